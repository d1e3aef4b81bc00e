//! The regular expressions of the metadata, as sets of positions of one machine.
//!
//! The metadata uses a small language: digits, `\d`, classes, groups, alternatives, `?` and `{m,n}`; whitespace is
//! ignored. Anything else stops the generator rather than being guessed at.

use std::collections::BTreeSet;

/// A node of a parsed pattern.
#[derive(Debug, Clone)]
enum Node {
    /// One digit out of a set (bit `n` for digit `n`).
    Digit(u16),
    All(Vec<Node>),
    Any(Vec<Node>),
    Repeat(Box<Node>, usize, usize),
}

/// One state of the machine.
#[derive(Debug, Clone)]
enum Step {
    Digit(u16, usize),
    Split(Vec<usize>),
    /// The pattern with this number matches here.
    Accept(usize),
}

/// Several patterns that are followed at once.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    steps: Vec<Step>,
}

/// Where a machine may be: the sorted numbers of its states.
pub(crate) type Positions = Vec<usize>;

impl Machine {
    /// Adds `pattern`; the result is where it starts.
    pub(crate) fn add(&mut self, pattern: &str, tag: usize) -> usize {
        let text: Vec<u8> = pattern.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let mut parser = Parser { text: &text, at: 0 };
        let node = parser.any();
        assert_eq!(parser.at, text.len(), "pattern not read to its end: {pattern}");
        let end = self.push(Step::Accept(tag));
        self.lay(&node, end)
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// Lays `node` so that it goes on to `next`; the result is its entry.
    fn lay(&mut self, node: &Node, next: usize) -> usize {
        match node {
            Node::Digit(set) => self.push(Step::Digit(*set, next)),
            Node::All(parts) => parts.iter().rev().fold(next, |next, part| self.lay(part, next)),
            Node::Any(parts) => {
                let entries = parts.iter().map(|part| self.lay(part, next)).collect();
                self.push(Step::Split(entries))
            }
            Node::Repeat(part, min, max) => {
                let mut entry = next;
                for n in (0..*max).rev() {
                    let inner = self.lay(part, entry);
                    entry = if n >= *min { self.push(Step::Split(vec![inner, next])) } else { inner };
                }
                entry
            }
        }
    }

    /// The positions reached from `entries` without reading a digit.
    pub(crate) fn start(&self, entries: &[usize]) -> Positions {
        let mut seen = BTreeSet::new();
        let mut todo = entries.to_vec();
        while let Some(at) = todo.pop() {
            if seen.insert(at)
                && let Step::Split(entries) = &self.steps[at]
            {
                todo.extend(entries);
            }
        }
        seen.into_iter().filter(|at| !matches!(self.steps[*at], Step::Split(_))).collect()
    }

    /// The positions after `digit`.
    pub(crate) fn step(&self, from: &[usize], digit: u8) -> Positions {
        let next: Vec<usize> = from
            .iter()
            .filter_map(|at| match self.steps[*at] {
                Step::Digit(set, next) if set & 1 << digit != 0 => Some(next),
                _ => None,
            })
            .collect();
        self.start(&next)
    }

    /// Whether the pattern `tag` matches exactly what was read on the way to `positions`.
    pub(crate) fn accepts(&self, positions: &[usize], tag: usize) -> bool {
        positions.iter().any(|at| matches!(self.steps[*at], Step::Accept(t) if t == tag))
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> u8 {
        let byte = self.peek().expect("the pattern ended early");
        self.at += 1;
        byte
    }

    fn any(&mut self) -> Node {
        let mut parts = vec![self.all()];
        while self.peek() == Some(b'|') {
            self.at += 1;
            parts.push(self.all());
        }
        if parts.len() == 1 { parts.remove(0) } else { Node::Any(parts) }
    }

    fn all(&mut self) -> Node {
        let mut parts = Vec::new();
        while !matches!(self.peek(), None | Some(b'|' | b')')) {
            let atom = self.atom();
            parts.push(self.repeated(atom));
        }
        Node::All(parts)
    }

    fn repeated(&mut self, atom: Node) -> Node {
        match self.peek() {
            Some(b'?') => {
                self.at += 1;
                Node::Repeat(Box::new(atom), 0, 1)
            }
            Some(b'{') => {
                self.at += 1;
                let min = self.count();
                let max = if self.peek() == Some(b',') {
                    self.at += 1;
                    self.count()
                } else {
                    min
                };
                assert_eq!(self.next(), b'}', "a count without its end");
                assert!(min <= max, "a count that runs backwards");
                Node::Repeat(Box::new(atom), min, max)
            }
            _ => atom,
        }
    }

    fn count(&mut self) -> usize {
        let mut count = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            count = count * 10 + usize::from(digit - b'0');
            self.at += 1;
        }
        count
    }

    fn atom(&mut self) -> Node {
        match self.next() {
            digit @ b'0'..=b'9' => Node::Digit(1 << (digit - b'0')),
            b'\\' => {
                assert_eq!(self.next(), b'd', "an escape other than \\d");
                Node::Digit(0x3ff)
            }
            b'[' => self.class(),
            b'(' => {
                if self.peek() == Some(b'?') {
                    self.at += 1;
                    assert_eq!(self.next(), b':', "a group other than (?:");
                }
                let inner = self.any();
                assert_eq!(self.next(), b')', "a group without its end");
                inner
            }
            other => panic!("`{}` is not part of the language of the metadata", char::from(other)),
        }
    }

    fn class(&mut self) -> Node {
        let mut set = 0;
        loop {
            match self.next() {
                b']' => return Node::Digit(set),
                digit @ b'0'..=b'9' => {
                    let low = digit - b'0';
                    let mut high = low;
                    if self.peek() == Some(b'-') {
                        self.at += 1;
                        high = self.next() - b'0';
                    }
                    for n in low..=high {
                        set |= 1 << n;
                    }
                }
                other => panic!("`{}` in a class", char::from(other)),
            }
        }
    }
}
