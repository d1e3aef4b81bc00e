//! Rows of CSV (RFC 4180) that a spreadsheet does not take for formulas.

/// Adds a row.
pub(crate) fn push_row<'c>(out: &mut String, cells: impl IntoIterator<Item = std::borrow::Cow<'c, str>>) {
    for (n, cell) in cells.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        push_cell(out, &cell);
    }
    out.push_str("\r\n");
}

/// A text that a spreadsheet would calculate gets an apostrophe in front, which spreadsheets take for "this is text":
/// phone numbers begin with `+`, so they get one too.
fn push_cell(out: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let quoted = cell.contains([',', '"', '\r', '\n', '\t']) || cell.starts_with(' ') || cell.ends_with(' ');
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    for c in cell.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    if quoted {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (cell, expected) in [
            ("", ""),
            ("a", "a"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("+15551234567", "'+15551234567"),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-1", "'-1"),
            ("\t=1", "\"'\t=1\""),
        ] {
            let mut out = String::new();
            push_row(&mut out, [cell.into()]);
            assert_eq!(out, format!("{expected}\r\n"));
        }
    }
}
