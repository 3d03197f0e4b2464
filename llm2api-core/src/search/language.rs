//! In which language somebody asks.

use whatlang::{Lang, detect};

/// More of a text says nothing more of its language.
const ENOUGH: usize = 2_000;
/// How sure one has to be, of 1: a wrong language hides results, and none hides nothing.
const SURE: f64 = 0.5;

/// Returns the ISO 639-1 code of the language that `text` is surely in.
pub(super) fn of(text: &str) -> Option<&'static str> {
    let end = text.char_indices().nth(ENOUGH).map_or(text.len(), |(at, _)| at);
    let info = detect(&text[..end])?;
    (info.confidence() >= SURE).then(|| code(info.lang()))
}

/// Few letters say little: what was said before says more.
pub(super) fn of_question(
    question: &str,
    earlier: impl FnOnce() -> String,
) -> Option<&'static str> {
    match of(question) {
        // Without kana, Japanese looks like Chinese.
        Some("zh") => of(&earlier()).filter(|language| *language == "ja").or(Some("zh")),
        Some(language) => Some(language),
        None => of(&earlier()),
    }
}

/// SearXNG knows languages by two letters.
#[rustfmt::skip]
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Epo => "eo", Lang::Eng => "en", Lang::Rus => "ru", Lang::Cmn => "zh",
        Lang::Spa => "es", Lang::Por => "pt", Lang::Ita => "it", Lang::Ben => "bn",
        Lang::Fra => "fr", Lang::Deu => "de", Lang::Ukr => "uk", Lang::Kat => "ka",
        Lang::Ara => "ar", Lang::Hin => "hi", Lang::Jpn => "ja", Lang::Heb => "he",
        Lang::Yid => "yi", Lang::Pol => "pl", Lang::Amh => "am", Lang::Jav => "jv",
        Lang::Kor => "ko", Lang::Nob => "nb", Lang::Dan => "da", Lang::Swe => "sv",
        Lang::Fin => "fi", Lang::Tur => "tr", Lang::Nld => "nl", Lang::Hun => "hu",
        Lang::Ces => "cs", Lang::Ell => "el", Lang::Bul => "bg", Lang::Bel => "be",
        Lang::Mar => "mr", Lang::Kan => "kn", Lang::Ron => "ro", Lang::Slv => "sl",
        Lang::Hrv => "hr", Lang::Srp => "sr", Lang::Mkd => "mk", Lang::Lit => "lt",
        Lang::Lav => "lv", Lang::Est => "et", Lang::Tam => "ta", Lang::Vie => "vi",
        Lang::Urd => "ur", Lang::Tha => "th", Lang::Guj => "gu", Lang::Uzb => "uz",
        Lang::Pan => "pa", Lang::Aze => "az", Lang::Ind => "id", Lang::Tel => "te",
        Lang::Pes => "fa", Lang::Mal => "ml", Lang::Ori => "or", Lang::Mya => "my",
        Lang::Nep => "ne", Lang::Sin => "si", Lang::Khm => "km", Lang::Tuk => "tk",
        Lang::Aka => "ak", Lang::Zul => "zu", Lang::Sna => "sn", Lang::Afr => "af",
        Lang::Lat => "la", Lang::Slk => "sk", Lang::Cat => "ca", Lang::Tgl => "tl",
        Lang::Hye => "hy", Lang::Cym => "cy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sentences_are_recognised() {
        for (text, language) in [
            ("Wer hat die Bundestagswahl im vergangenen Herbst gewonnen und warum?", "de"),
            (
                "What is the current population of the city of Oslo, and how fast does it grow?",
                "en",
            ),
            ("今天北京的天气怎么样？", "zh"),
            ("明日の東京の天気はどうですか", "ja"),
            ("오늘 서울 날씨 어때?", "ko"),
            ("Яка завтра погода в Києві?", "uk"),
            ("Jak będzie jutro pogoda?", "pl"),
        ] {
            assert_eq!(of(text), Some(language), "{text}");
        }
        for text in ["", "42", "ok", "Oslo", "https://example.org/", "python list comprehension"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_said_before_helps() {
        let said = || "明日の東京の天気はどうですか\n東京 天気".to_owned();
        assert_eq!(of_question("東京 天気", said), Some("ja"));
        assert_eq!(of_question("北京 天气", || "北京 天气".to_owned()), Some("zh"));
        let german =
            || "Bitte antworte mir immer auf Deutsch, auch wenn ich kurz frage\nok".to_owned();
        assert_eq!(of_question("ok", german), Some("de"));
    }
}
