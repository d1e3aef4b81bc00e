//! Matches the patterns of dialling prefixes against the start of a number.
//!
//! The patterns are a small language: digits, `\d`, classes, groups, alternatives, `?`, `{m,n}` and a final `$`. The
//! first alternative that leads to a match wins, and counts take as much as they can. Patterns come from our own table
//! and numbers are short, so following the text of the pattern directly is fast enough, and nothing is compiled.

/// The most groups that a prefix pattern has.
const GROUPS: usize = 3;

/// Where a pattern matched: from the start to `end`, and its groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// How many digits were matched.
    pub(super) end: usize,
    groups: [Option<(usize, usize)>; GROUPS],
    count: usize,
}

impl Match {
    /// The digits of group `n` (from 1), if it took part.
    pub(super) fn group<'d>(&self, n: usize, digits: &'d [u8]) -> Option<&'d [u8]> {
        let (start, end) = *self.groups.get(n.checked_sub(1)?)?.as_ref()?;
        digits.get(start..end)
    }

    /// Whether the last group of the pattern took part.
    pub(super) fn has_last_group(&self) -> bool {
        self.count.checked_sub(1).and_then(|last| self.groups.get(last)).is_some_and(Option::is_some)
    }
}

/// Matches `pattern` at the start of `digits` (values 0 to 9).
pub(super) fn find(pattern: &[u8], digits: &[u8]) -> Option<Match> {
    let count =
        pattern.iter().enumerate().filter(|(at, byte)| **byte == b'(' && pattern.get(at + 1) != Some(&b'?')).count();
    let mut matcher = Matcher { pattern, digits, groups: [None; GROUPS] };
    let mut end = None;
    matcher.any(0, pattern.len(), 0, &mut |_, at| {
        end = Some(at);
        true
    });
    end.map(|end| Match { end, groups: matcher.groups, count })
}

struct Matcher<'a> {
    pattern: &'a [u8],
    digits: &'a [u8],
    groups: [Option<(usize, usize)>; GROUPS],
}

/// What has to match after the current part, from the given digit on.
type Then<'t> = &'t mut dyn FnMut(&mut Matcher<'_>, usize) -> bool;

/// One part of a sequence: what it is, where its text begins and ends, and how often it is taken.
struct Part {
    start: usize,
    end: usize,
    min: usize,
    max: usize,
}

impl Matcher<'_> {
    /// The alternatives in `pattern[from..to]`.
    fn any(&mut self, from: usize, to: usize, at: usize, then: Then<'_>) -> bool {
        let mut start = from;
        loop {
            let end = self.alternative_end(start, to);
            if self.all(start, end, at, then) {
                return true;
            }
            if end >= to {
                return false;
            }
            start = end + 1;
        }
    }

    /// The parts of one alternative, one after the other.
    fn all(&mut self, from: usize, to: usize, at: usize, then: Then<'_>) -> bool {
        if from >= to {
            return then(self, at);
        }
        let (part, next) = self.part(from, to);
        self.repeat(&part, 0, at, &mut |matcher, at| matcher.all(next, to, at, then))
    }

    fn repeat(&mut self, part: &Part, taken: usize, at: usize, then: Then<'_>) -> bool {
        let more = taken < part.max
            && self.once(part, at, &mut |matcher, next| {
                // A part that takes nothing would be repeated for ever.
                (next > at || part.max == 1) && matcher.repeat(part, taken + 1, next, then)
            });
        more || taken >= part.min && then(self, at)
    }

    fn once(&mut self, part: &Part, at: usize, then: Then<'_>) -> bool {
        let text = &self.pattern[part.start..part.end];
        match text {
            [b'$', ..] => at == self.digits.len() && then(self, at),
            [b'(', b'?', ..] => self.any(part.start + 3, part.end - 1, at, then),
            [b'(', ..] => {
                let number = self.pattern[..part.start]
                    .iter()
                    .enumerate()
                    .filter(|(i, byte)| **byte == b'(' && self.pattern.get(i + 1) != Some(&b'?'))
                    .count();
                let before = self.groups.get(number).copied().flatten();
                let matched = self.any(part.start + 1, part.end - 1, at, &mut |matcher, end| {
                    let inner = matcher.set_group(number, Some((at, end)));
                    then(matcher, end) || {
                        matcher.set_group(number, inner);
                        false
                    }
                });
                if !matched {
                    self.set_group(number, before);
                }
                matched
            }
            set => self.digits.get(at).is_some_and(|digit| holds(set, *digit)) && then(self, at + 1),
        }
    }

    fn set_group(&mut self, number: usize, value: Option<(usize, usize)>) -> Option<(usize, usize)> {
        self.groups.get_mut(number).and_then(|group| std::mem::replace(group, value))
    }

    /// Where the alternative that begins at `from` ends.
    fn alternative_end(&self, from: usize, to: usize) -> usize {
        let mut depth = 0;
        (from..to)
            .find(|at| {
                match self.pattern[*at] {
                    b'(' => depth += 1,
                    b')' => depth -= 1,
                    b'|' if depth == 0 => return true,
                    _ => {}
                }
                false
            })
            .unwrap_or(to)
    }

    /// The part that begins at `from`, and where the next one begins.
    fn part(&self, from: usize, to: usize) -> (Part, usize) {
        let text = &self.pattern[from..to];
        let find = |byte: u8| text.iter().position(|b| *b == byte).map_or(to, |at| from + at + 1);
        let end = match text {
            [b'\\', ..] => to.min(from + 2),
            [b'[', ..] => find(b']'),
            [b'(', ..] => {
                let mut depth = 0;
                let close = text.iter().position(|byte| {
                    depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
                    depth == 0
                });
                close.map_or(to, |at| from + at + 1)
            }
            _ => from + 1,
        };
        match &self.pattern[end..to] {
            [b'?', ..] => (Part { start: from, end, min: 0, max: 1 }, end + 1),
            [b'{', rest @ ..] => {
                let length = rest.iter().position(|byte| *byte == b'}').unwrap_or(rest.len());
                let mut counts = rest[..length].split(|byte| *byte == b',').map(|digits| {
                    digits.iter().fold(0, |n: usize, digit| n * 10 + usize::from(digit.wrapping_sub(b'0')))
                });
                let min = counts.next().unwrap_or(1);
                let max = counts.next().unwrap_or(min);
                (Part { start: from, end, min, max }, end + length + 2)
            }
            _ => (Part { start: from, end, min: 1, max: 1 }, end),
        }
    }
}

/// Whether a digit is in a set: one digit, `\d` or a class.
fn holds(set: &[u8], digit: u8) -> bool {
    let digit = b'0' + digit;
    match set {
        [b'\\', ..] => true,
        [b'[', class @ ..] => {
            class.contains(&digit)
                || class.windows(3).any(|window| window[1] == b'-' && (window[0]..=window[2]).contains(&digit))
        }
        other => *other == [digit],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pattern: &str, digits: &str) -> Option<(usize, Vec<Option<String>>)> {
        let digits: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
        find(pattern.as_bytes(), &digits).map(|found| {
            let text = |digits: &[u8]| digits.iter().map(|digit| char::from(b'0' + digit)).collect();
            (found.end, (1..=found.count).map(|n| found.group(n, &digits).map(text)).collect())
        })
    }

    #[test]
    fn patterns_match_as_regular_expressions_do() {
        let some = |text: &str| Some(text.to_owned());
        let rows = [
            ("0", "0123", Some((1, vec![]))),
            ("0", "123", None),
            ("0|80?", "80123", Some((2, vec![]))),
            ("0|80?", "8123", Some((1, vec![]))),
            ("[08]", "8123", Some((1, vec![]))),
            (r"([2-9]\d{6})$|1", "5551234", Some((7, vec![some("5551234")]))),
            (r"([2-9]\d{6})$|1", "55512345", None),
            (r"([2-9]\d{6})$|1", "12645551234", Some((1, vec![None]))),
            (r"0([3579]|4(?:[14]4|56))?", "0456", Some((4, vec![some("456")]))),
            (r"0([3579]|4(?:[14]4|56))?", "0455", Some((1, vec![None]))),
            (r"(?:0|90)(?:(1[245]|31)(\d{10,11}))?", "0311112345678", Some((13, vec![some("31"), some("1112345678")]))),
            (r"(?:0|90)(?:(1[245]|31)(\d{10,11}))?", "03111", Some((1, vec![None, None]))),
            (r"00|99(?:[01469]|5(?:[14]1|3[23]))", "995329", Some((5, vec![]))),
            (r"\d{2,3}1", "2211", Some((4, vec![]))),
            (r"\d{2,3}1", "221", Some((3, vec![]))),
            ("", "5", Some((0, vec![]))),
        ];
        for (pattern, digits, expected) in rows {
            assert_eq!(run(pattern, digits), expected, "{pattern} {digits}");
        }
    }
}
