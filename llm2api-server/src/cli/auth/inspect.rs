//! `auth inspect`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use llm2api_core::Secret;
use llm2api_core::auth::{Claims, CodeState, PublicKey, Refusal, read, verify};
use serde::Serialize;

use super::{Absent, Done, Trouble, open};
use crate::clock::unix_seconds;
use crate::config::Origins;

/// Twice as long as any code is.
const LONGEST: u64 = 16 << 10;

#[derive(Debug, Args)]
pub(in crate::cli) struct Inspect {
    /// The file that the code is in; the standard input without it
    #[arg(long, value_name = "PATH")]
    code_file: Option<PathBuf>,
    /// The public key that a signed code is verified with
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
}

/// What is told of a code.
#[derive(Serialize)]
struct Told<'a> {
    kind: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'static str>,
    /// What no signature tells: the authority alone knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<u64>,
    claims: &'a Claims,
}

impl Inspect {
    pub(super) async fn execute(self, origins: Origins) -> Done {
        let key = self.public_key.as_deref().map(PublicKey::parse).transpose()?;
        let code = self.code()?;
        match code.expose().trim() {
            "" => Err(Trouble::Other("there is no code: write it to the standard input".into())),
            code if code.contains('.') => signed(code, key.as_ref(), unix_seconds()),
            code => kept(code, origins, unix_seconds()).await,
        }
    }

    fn code(&self) -> Result<Secret, Trouble> {
        let text = match &self.code_file {
            Some(path) => File::open(path).and_then(text),
            None => text(io::stdin().lock()),
        };
        let place =
            self.code_file.as_deref().map_or("the standard input".into(), Path::to_string_lossy);
        text.map_err(|error| {
            Trouble::Other(format!("the code cannot be read from {place}: {error}"))
        })
    }
}

fn text(from: impl Read) -> io::Result<Secret> {
    let mut text = String::new();
    from.take(LONGEST).read_to_string(&mut text)?;
    Ok(Secret::from(text))
}

/// Tells what a signed code says; with a key, only if the signature fits.
fn signed(code: &str, key: Option<&PublicKey>, now: u64) -> Done {
    let claims = read(code, key).map_err(refused)?;
    let told = Told {
        kind: "signed",
        state: CodeState::at(&claims, None, now).as_str(),
        signature: Some(if key.is_some() { "valid" } else { "not checked" }),
        revocation: Some("not checked"),
        revoked_at: None,
        claims: &claims,
    };
    // Who gives a key asks whether the code is good.
    match key.map(|key| verify(code, key, now)) {
        Some(Err(refusal)) => Err(refused(refusal)),
        _ => json(&told),
    }
}

/// Tells what the store knows of an opaque code.
async fn kept(code: &str, origins: Origins, now: u64) -> Done {
    let authority = open(origins, None, Absent::Refuse).await?;
    let verdict = authority.check(code, now).await?;
    let known = match &verdict.id {
        Some(id) => authority.find(id).await?,
        None => None,
    };
    let Some(known) = known else {
        let text = "the store knows no such code: copy it whole, and name the store of the \
                    authority that has issued it";
        return Err(Trouble::Other(text.into()));
    };
    json(&Told {
        kind: known.kind.as_str(),
        state: verdict.state.as_str(),
        signature: None,
        revocation: None,
        revoked_at: known.revoked,
        claims: &known.claims,
    })
}

fn json(told: &Told<'_>) -> Done {
    let text = serde_json::to_string_pretty(told);
    text.map(|text| text + "\n").map_err(|error| Trouble::Other(error.to_string()))
}

fn refused(refusal: Refusal) -> Trouble {
    Trouble::Other(format!("the code is refused: {refusal}"))
}
