//! The smallest graph that answers for all patterns: equal tails are one state, across all regions.

use super::pattern::{Machine, Positions};
use std::collections::HashMap;

/// One state: what a number that ends here is, and where each further digit leads. State 0 leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct State {
    pub(crate) label: u8,
    pub(crate) next: [u16; 10],
}

/// All states, without duplicates.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) states: Vec<State>,
    known: HashMap<State, u16>,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Self { states: vec![State::default()], known: HashMap::from([(State::default(), 0)]) }
    }

    /// The state for numbers read by `machine` from `positions` on, at most `longest` digits long in total.
    /// `label` is given the positions and the count of digits read.
    pub(crate) fn add(
        &mut self,
        machine: &Machine,
        positions: Positions,
        longest: usize,
        label: &dyn Fn(&Positions, usize) -> u8,
    ) -> u16 {
        self.visit(machine, positions, 0, longest, label, &mut HashMap::new())
    }

    fn visit(
        &mut self,
        machine: &Machine,
        positions: Positions,
        read: usize,
        longest: usize,
        label: &dyn Fn(&Positions, usize) -> u8,
        seen: &mut HashMap<(Positions, usize), u16>,
    ) -> u16 {
        if positions.is_empty() || read > longest {
            return 0;
        }
        if let Some(known) = seen.get(&(positions.clone(), read)) {
            return *known;
        }
        let mut state = State { label: label(&positions, read), ..State::default() };
        for digit in 0..10u8 {
            let next = machine.step(&positions, digit);
            state.next[usize::from(digit)] = self.visit(machine, next, read + 1, longest, label, seen);
        }
        let id = if let Some(known) = self.known.get(&state) {
            *known
        } else {
            let id = u16::try_from(self.states.len()).expect("more states than an index can name");
            self.states.push(state.clone());
            self.known.insert(state, id);
            id
        };
        seen.insert((positions, read), id);
        id
    }
}
