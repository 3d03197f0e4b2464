//! What SearXNG would take for a command of whoever searches.

/// Leaves the words of a query without what makes commands of them.
///
/// SearXNG takes words of a query that begin with `!` for engines and categories (`!!` leads to
/// another site), with `?` and `:` for an engine and a language, and with `<` for a time limit. A
/// person who asks a model knows nothing of this.
pub(super) fn disarmed(query: &str) -> String {
    let plain = |word: &&str| !word.is_empty();
    let words = query.split(' ').map(|word| word.trim_start_matches(['!', '?', ':', '<']));
    words.filter(plain).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_like_commands_are_words() {
        for (query, plain) in [
            ("what is rust", "what is rust"),
            ("!g rust !!wikipedia", "g rust wikipedia"),
            (":wq in vim :de", "wq in vim de"),
            ("is 2 <3 ?", "is 2 3"),
            ("why not? a:b c!d", "why not? a:b c!d"),
            ("!! ??", ""),
        ] {
            assert_eq!(disarmed(query), plain, "{query}");
        }
    }
}
