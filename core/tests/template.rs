//! Message templates: the grammar as tables, hostile values, and a naive oracle.

use std::collections::BTreeMap;

use proptest::prelude::*;
use splitter_core::template::{MAX_NAME_CHARS, MAX_TEMPLATE_CHARS, MissingVariables, Template, TemplateProblem};

fn render(source: &str, values: &[(&str, &str)]) -> Result<String, MissingVariables> {
    let values: BTreeMap<&str, &str> = values.iter().copied().collect();
    Template::parse(source).unwrap_or_else(|e| panic!("{source}: {e}")).render(|name| values.get(name).copied())
}

#[test]
fn renders() {
    let values =
        [("name", "Ann"), ("loan amount", "50000"), ("a|b", "bar"), (" x", "space"), ("empty", ""), ("ä👍", "e")];
    for (source, expected) in [
        ("", ""),
        ("no placeholder", "no placeholder"),
        ("Hi {{name}}!", "Hi Ann!"),
        ("{{name}}{{name}}", "AnnAnn"),
        ("{{\u{3000}\n name\t}}", "Ann"),
        ("{{loan amount}}", "50000"),
        ("{{ä👍}}", "e"),
        (r"{{a\|b}}", "bar"),
        (r"{{\ x}}", "space"),
        (r"{{na\me}}", "Ann"),
        ("{{empty}}{{empty|default}}", ""),
        ("{{name|default}}", "Ann"),
        ("{{none| a default }}", "a default"),
        ("{{none|}}{{none| \n }}", ""),
        (r"{{none|\ x\ }}", " x "),
        (r"{{none| \ \  }}", "  "),
        (r"{{none|\{\{name\}\}\|\\\n}}", r"{{name}}|\n"),
        ("{{none|two\nlines}}", "two\nlines"),
        ("{ } } { {a} a}b{", "{ } } { {a} a}b{"),
        ("{{name}}}", "Ann}"),
        (r"\{{{name}}", "{Ann"),
        (r"\{\{name\}\}", "{{name}}"),
        (r"\\{{name}}", r"\Ann"),
        (r"\n\a\ \", r"\n\a\ \"),
        (r"{\{}\}", "{{}}"),
        ("\u{0}\r\n\u{202e}", "\u{0}\r\n\u{202e}"),
    ] {
        assert_eq!(render(source, &values).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn refuses_with_position_and_excerpt() {
    use TemplateProblem::{EmptyName, ForbiddenInName, NameTooLong, NotEscaped, TooLong, Unclosed, UnmatchedEnd};
    let too_long = "x".repeat(MAX_TEMPLATE_CHARS + 5);
    let long_name = format!("a{{{{{}}}}}", "ä".repeat(MAX_NAME_CHARS + 1));
    for (source, problem, position, excerpt) in [
        ("{{", Unclosed, 1, "{{"),
        ("äö{{name} }", ForbiddenInName('}'), 9, "} }"),
        ("👍{{name", Unclosed, 2, "{{name"),
        ("{{name|default", Unclosed, 1, "{{name|default"),
        (r"{{name\}}", ForbiddenInName('}'), 8, "}}"),
        (r"{{name|x\}", Unclosed, 1, r"{{name|x\}"),
        (r"{{name\", Unclosed, 1, r"{{name\"),
        ("{{}}", EmptyName, 1, "{{}}"),
        ("a {{ \n }}", EmptyName, 3, "{{ \u{fffd} }}"),
        ("{{|x}}", EmptyName, 1, "{{|x}}"),
        (&long_name, NameTooLong, 2, "{{ääääääääääääääääää…"),
        ("{{a\nb}}", ForbiddenInName('\n'), 4, "\u{fffd}b}}"),
        ("{{\u{0}\u{7f}}}", ForbiddenInName('\u{0}'), 3, "\u{fffd}\u{fffd}}}"),
        ("{{a\\\n}}", ForbiddenInName('\n'), 5, "\u{fffd}}}"),
        (r"{{a\{}}", ForbiddenInName('{'), 5, "{}}"),
        ("{{{name}}}", ForbiddenInName('{'), 3, "{name}}}"),
        ("Hi {{name, {{company}}", ForbiddenInName('{'), 12, "{{company}}"),
        ("{{a|b|c}}", NotEscaped('|'), 6, "|c}}"),
        ("{{a|{{b}}}}", NotEscaped('{'), 5, "{{b}}}}"),
        ("{{a|:-}x}}", NotEscaped('}'), 7, "}x}}"),
        ("a}}", UnmatchedEnd, 2, "}}"),
        ("{{a}}}}", UnmatchedEnd, 6, "}}"),
        (r"\{{a}}", UnmatchedEnd, 5, "}}"),
        ("}}0123456789012345678", UnmatchedEnd, 1, "}}012345678901234567…"),
        (&too_long, TooLong, MAX_TEMPLATE_CHARS + 1, "xxxxx"),
    ] {
        let error = Template::parse(source).expect_err(source);
        assert_eq!((error.problem, error.position, error.excerpt.as_str()), (problem, position, excerpt), "{source}");
    }
    assert_eq!(
        Template::parse("äö{{}}").unwrap_err().to_string(),
        "a placeholder has no variable name at character 3: `{{}}`"
    );
    assert_eq!(
        Template::parse("a}}").unwrap_err().problem.to_string(),
        r"`}}` closes nothing (write `\}\}` for the characters themselves)"
    );
    assert_eq!(Template::parse("{{\n.\n.}}").unwrap_err().problem.to_string(), r"a variable name can not contain `\n`");
}

#[test]
fn accepts_up_to_the_limits() {
    assert!(Template::parse(&"👍".repeat(MAX_TEMPLATE_CHARS)).is_ok());
    let name = "ä".repeat(MAX_NAME_CHARS);
    assert_eq!(Template::parse(&format!("{{{{ {name} }}}}")).unwrap().variables()[0].name, name);
    let mut most = "{{a}}".repeat(MAX_TEMPLATE_CHARS / 5);
    assert_eq!(render(&most, &[("a", "{{a}}")]).as_deref(), Ok(most.as_str()));
    most.push_str("{{");
    assert_eq!(Template::parse(&most).unwrap_err().problem, TemplateProblem::TooLong);
}

#[test]
fn lists_variables_and_what_is_missing() {
    let template = Template::parse(r"{{b|1}} {{a}} {{ c |}} {{b}} {{a}} {{c|x}} {{b|2}}").unwrap();
    let variables: Vec<_> = template.variables().iter().map(|v| (v.name.as_str(), v.has_default)).collect();
    assert_eq!(variables, [("b", false), ("a", false), ("c", true)]);
    let missing = template.render(|_| None).unwrap_err();
    assert_eq!(missing, MissingVariables(vec!["b".into(), "a".into()]));
    assert_eq!(missing.to_string(), "no value for `b`, `a`");
    assert_eq!(template.render(|name| (name == "b").then_some("")), Err(MissingVariables(vec!["a".into()])));
    assert_eq!(template.render(|name| (name != "c").then_some("v")).as_deref(), Ok("v v  v v x v"));
}

#[test]
fn hostile_values_come_out_as_they_are() {
    let long = "👍".repeat(4_096);
    for value in [
        "{{x}}",
        "{{name}}",
        "{{name|boom}}",
        r"\{\{x\}\}\",
        "}}",
        "a\r\nb\n",
        "\u{200f}\u{202e}evil\u{2066}",
        "👩‍👩‍👧‍👦 🇩🇪",
        "<script>&amp;</script>",
        "\u{0}\u{1b}[31m",
        "  ",
        "$1 %s ${x} #{y}",
        &long,
    ] {
        assert_eq!(
            render("<{{name}}|{{name|d}}>", &[("name", value), ("x", "boom")]),
            Ok(format!("<{value}|{value}>"))
        );
    }
}

#[test]
fn is_its_source_in_json() {
    let json = r#""Hi {{name}}, \\{{{company|us}}""#;
    let template: Template = serde_json::from_str(json).unwrap();
    assert_eq!(template.source(), r"Hi {{name}}, \{{{company|us}}");
    assert_eq!(serde_json::to_string(&template).unwrap(), json);
    assert_eq!(template, template.source().parse().unwrap());
    assert_ne!(template, Template::parse("Hi").unwrap());
    let error = serde_json::from_str::<Template>(r#""}}""#).unwrap_err().to_string();
    assert!(error.contains("closes nothing"), "{error}");
}

/// What the documentation says, written down once more: by index, with marks for escaped characters.
fn oracle(source: &str, lookup: &impl Fn(&str) -> Option<&'static str>) -> Option<Result<String, Vec<String>>> {
    let source: Vec<char> = source.chars().collect();
    let (mut out, mut uses, mut i) = (String::new(), Vec::new(), 0);
    while i < source.len() {
        let two: String = source[i..].iter().take(2).collect();
        match two.as_str() {
            r"\{" | r"\}" | r"\\" => (out.push(source[i + 1]), i += 2).1,
            "}}" => return None,
            "{{" => {
                i += 2;
                let mut inside = Vec::new(); // (character, escaped)
                loop {
                    match source.get(i..)? {
                        ['}', '}', ..] => break,
                        ['\\', c, ..] => (inside.push((*c, true)), i += 2).1,
                        ['\\'] | [] => return None,
                        [c, ..] => (inside.push((*c, false)), i += 1).1,
                    }
                }
                i += 2;
                let mut fields = Vec::new();
                for field in inside.split(|c| *c == ('|', false)) {
                    let solid = |c: &(char, bool)| c.1 || !c.0.is_whitespace();
                    let first = field.iter().position(solid).unwrap_or(field.len());
                    let last = field.iter().rposition(solid).map_or(first, |last| last + 1);
                    if field.iter().any(|c| matches!(c, ('{' | '}', false))) {
                        return None;
                    }
                    fields.push(field[first..last].iter().map(|c| c.0).collect::<String>());
                }
                let name = fields[0].clone();
                if fields.len() > 2 || name.is_empty() || name.chars().count() > 128 {
                    return None;
                }
                if name.contains(|c: char| c.is_control() || c == '{' || c == '}') {
                    return None;
                }
                let value = lookup(&name).or(fields.get(1).map(String::as_str));
                out.push_str(value.unwrap_or_default());
                uses.push((name.clone(), value.is_none()));
            }
            _ => (out.push(source[i]), i += 1).1,
        }
    }
    let mut missing: Vec<String> = Vec::new();
    for (name, _) in &uses {
        if uses.iter().any(|(n, lacks)| n == name && *lacks) && !missing.contains(name) {
            missing.push(name.clone());
        }
    }
    Some(if missing.is_empty() { Ok(out) } else { Err(missing) })
}

/// Text made of the pieces that mean something to the grammar.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec!["{{", "}}", "{{a}}", "{{ b|", "{{a|x}}", "{{c}}"]).prop_map(str::to_owned),
        6 => prop::sample::select(vec!["{", "}", "\\", "|", " ", "\n", "a", "b", "\u{0}", "👍"]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_oracle(source in prop_oneof![3 => tricky(), 1 => any::<String>()]) {
        let lookup = |name: &str| match name { "a" => Some("{{c}}\\{"), "b" => Some(""), _ => None };
        let rendered = Template::parse(&source).ok().map(|t| t.render(lookup).map_err(|missing| missing.0));
        prop_assert_eq!(rendered, oracle(&source, &lookup));
    }

    #[test]
    fn errors_point_into_the_source(source in tricky()) {
        if let Err(error) = Template::parse(&source) {
            let there: Vec<char> = source.chars().skip(error.position - 1).collect();
            match error.problem {
                TemplateProblem::Unclosed | TemplateProblem::EmptyName => prop_assert_eq!(&there[..2], ['{', '{']),
                TemplateProblem::UnmatchedEnd => prop_assert_eq!(&there[..2], ['}', '}']),
                TemplateProblem::ForbiddenInName(c) | TemplateProblem::NotEscaped(c) => prop_assert_eq!(there[0], c),
                other => prop_assert!(false, "{other}"),
            }
        }
    }

    #[test]
    fn escaped_text_renders_to_itself(text in prop_oneof![tricky(), any::<String>()]) {
        let template = Template::parse(&Template::escape(&text)).unwrap();
        prop_assert!(template.variables().is_empty());
        prop_assert_eq!(template.render(|_| None), Ok(text));
    }

    #[test]
    fn escaped_defaults_and_values_come_out_as_they_are(text in tricky()) {
        let literal: String = text.chars().flat_map(|c| ['\\', c]).collect();
        let template = Template::parse(&format!("<{{{{ x |{literal} }}}}>")).unwrap();
        prop_assert_eq!(template.render(|_| None), Ok(format!("<{text}>")));
        prop_assert_eq!(template.render(|_| Some(&text)), Ok(format!("<{text}>")));
    }
}
