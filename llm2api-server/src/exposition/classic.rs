//! From OpenMetrics to the text that Prometheus has had from the beginning: samples are the same, and
//! of what is said about families a little differs.

/// Translates a whole text.
pub(super) fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let Some((family, help)) = help else {
            // Units and the end are no part of this form.
            if !line.starts_with('#') {
                push(&mut out, &[line]);
            }
            continue;
        };
        let kind = lines.peek().and_then(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let kind = kind.map_or("untyped", |(_, kind)| kind);
        // A family is named as its samples are here.
        let (suffix, kind) = match kind {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "gauge"),
            "unknown" => ("", "untyped"),
            other => ("", other),
        };
        push(&mut out, &["# HELP ", family, suffix, " ", help]);
        push(&mut out, &["# TYPE ", family, suffix, " ", kind]);
    }
    out
}

fn push(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_named_as_their_samples_are() {
        let text = "# HELP a_seconds What.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
                    a_seconds_total{b=\"# HELP c d\"} 1\n\
                    # HELP e Which.\n# TYPE e info\ne_info{f=\"g\"} 1\n\
                    # HELP h Some.\n# TYPE h gauge\nh 1\n# EOF\n";
        let classic = "# HELP a_seconds_total What.\n# TYPE a_seconds_total counter\n\
                       a_seconds_total{b=\"# HELP c d\"} 1\n\
                       # HELP e_info Which.\n# TYPE e_info gauge\ne_info{f=\"g\"} 1\n\
                       # HELP h Some.\n# TYPE h gauge\nh 1\n";
        assert_eq!(translate(text), classic);
    }
}
