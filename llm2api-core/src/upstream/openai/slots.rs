//! Which piece belongs to which call, whatever numbers and ids a server gives them.

use uuid::Uuid;

use super::view::{CallsView, bit};
use crate::chat::ToolCallDelta;

/// The number of a piece that has none.
pub(super) const UNNUMBERED: u32 = u32::MAX;

/// The calls of one choice, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// The numbers that are the server's and ours alike, so that pieces with them need no look.
    plain: u64,
}

/// One call.
#[derive(Debug, Default)]
struct Slot {
    /// The number that the server gave it.
    number: Option<u32>,
    /// The id that the server gave it.
    id: Option<String>,
    name: String,
    has_arguments: bool,
}

impl Slots {
    /// Says whether pieces that carry no more than numbers and arguments can go on as they are.
    pub(super) fn are_plain(&self, calls: CallsView) -> bool {
        !calls.named && calls.numbers & !self.plain == 0
    }

    /// Gives a piece the number of its call, and says whether that changed it. A call's first piece
    /// leaves with an id and a type, and the others without what was said before.
    pub(super) fn place(&mut self, call: &mut ToolCallDelta) -> bool {
        let before = face(call);
        let number = Some(call.index).filter(|number| *number != UNNUMBERED);
        let at = match self.find(number, call) {
            Some(at) => {
                self.go_on(at, call);
                at
            }
            None => self.begin(number, call),
        };
        self.slots[at].has_arguments |= has_arguments(call);
        before != face(call)
    }

    fn find(&self, number: Option<u32>, call: &ToolCallDelta) -> Option<usize> {
        let named = name(call).is_some();
        let Some(id) = id(call) else {
            // Without an id the number tells. Without a number, what has a name is a new call.
            return match number {
                Some(_) => self.last(|slot| slot.number == number).filter(|at| {
                    let slot = &self.slots[*at];
                    !(slot.has_arguments && name(call).is_some_and(|name| name != slot.name))
                }),
                None if named => None,
                None => self.slots.len().checked_sub(1),
            };
        };
        let same = |slot: &Slot| number.is_none() || slot.number == number;
        // An id that comes after the name, or another id in every piece of one call.
        let late = |slot: &Slot| same(slot) && (slot.id.is_none() || !named);
        self.last(|slot| slot.id.as_deref() == Some(id)).or_else(|| match number {
            None if named => None,
            _ => self.last(late),
        })
    }

    fn last(&self, is_it: impl Fn(&Slot) -> bool) -> Option<usize> {
        self.slots.iter().rposition(is_it)
    }

    fn go_on(&mut self, at: usize, call: &mut ToolCallDelta) {
        let slot = &mut self.slots[at];
        if slot.id.is_none() {
            slot.id = id(call).map(str::to_owned);
        }
        call.index = position(at);
        call.id = None;
        call.kind = None;
        if name(call).is_some_and(|name| name == slot.name)
            && let Some(function) = &mut call.function
        {
            function.name = None;
        }
    }

    fn begin(&mut self, number: Option<u32>, call: &mut ToolCallDelta) -> usize {
        let at = self.slots.len();
        self.note_number(at, number);
        let id = id(call).map(str::to_owned);
        call.id.clone_from(&id);
        call.id.get_or_insert_with(new_id);
        call.kind.get_or_insert_with(|| "function".into());
        call.index = position(at);
        let name = name(call).unwrap_or_default().to_owned();
        self.slots.push(Slot { number, id, name, has_arguments: false });
        at
    }

    fn note_number(&mut self, at: usize, number: Option<u32>) {
        let Some(number) = number.filter(|number| *number < 63) else {
            return;
        };
        let again = self.slots.iter().any(|slot| slot.number == Some(number));
        if again || position(at) != number {
            self.plain &= !bit(number);
        } else {
            self.plain |= bit(number);
        }
    }
}

/// Makes an id for a call to which the server gave none.
pub(super) fn new_id() -> String {
    format!("call_{}", Uuid::new_v4().simple())
}

fn id(call: &ToolCallDelta) -> Option<&str> {
    call.id.as_deref().filter(|id| !id.is_empty())
}

fn name(call: &ToolCallDelta) -> Option<&str> {
    call.function.as_ref()?.name.as_deref().filter(|name| !name.is_empty())
}

fn has_arguments(call: &ToolCallDelta) -> bool {
    let arguments = call.function.as_ref().and_then(|function| function.arguments.as_deref());
    arguments.is_some_and(|arguments| !arguments.is_empty())
}

/// What may change of a piece.
fn face(call: &ToolCallDelta) -> (u32, bool, bool, bool) {
    (call.index, id(call).is_some(), call.kind.is_some(), name(call).is_some())
}

fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
