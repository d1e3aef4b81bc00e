//! From the metadata of the `phonenumber` crate to the bytes of `numbers.bin`; the format is described in
//! `data/phone/README.md`.

use super::graph::Graph;
use super::pattern::Machine;
use phonenumber::Metadata;
use phonenumber::metadata::{DATABASE, Descriptor};
use std::collections::{BTreeMap, BTreeSet};

/// The most digits of an international number.
const LONGEST: usize = 15;
/// The most digits that the patterns for whole numbering plans are followed for.
const LONGEST_GENERAL: usize = 17;

/// The types in the order in which they are tried, fixed line and mobile last; the values are those of `PhoneType`.
const PREMIUM_RATE: u8 = 4;
const TOLL_FREE: u8 = 5;
const SHARED_COST: u8 = 6;
const VOIP: u8 = 7;
const PERSONAL_NUMBER: u8 = 8;
const PAGER: u8 = 9;
const UAN: u8 = 10;
const VOICEMAIL: u8 = 11;
const FIXED_LINE: u8 = 1;
const MOBILE: u8 = 2;
const FIXED_LINE_OR_MOBILE: u8 = 3;

/// The numbering plan of one region, or of one calling code that belongs to no region.
struct Plan<'a> {
    code: u16,
    meta: &'a Metadata,
    lengths: u32,
    local_lengths: u32,
    root: u16,
    general: u16,
    leading: u16,
}

/// Makes the whole table.
pub(crate) fn table() -> Vec<u8> {
    let mut graph = Graph::new();
    let mut plans = Vec::new();
    let mut codes = Vec::new();
    for code in 1..=999u16 {
        let Some(metas) = DATABASE.by_code(&code) else { continue };
        codes.push((code, plans.len(), metas.len()));
        plans.extend(metas.into_iter().map(|meta| plan(&mut graph, code, meta)));
    }
    let regions: BTreeSet<&str> = plans.iter().map(|plan| plan.meta.id()).collect();
    let regions: Vec<&str> = regions.into_iter().collect();
    write(&graph, &plans, &codes, &regions)
}

fn bits(lengths: impl IntoIterator<Item = u16>) -> u32 {
    lengths.into_iter().fold(0, |bits, length| bits | 1 << length)
}

/// The descriptions of the types of numbers, in the order in which they are tried.
fn types(meta: &Metadata) -> Vec<(u8, &Descriptor)> {
    let all = meta.descriptors();
    [
        (PREMIUM_RATE, all.premium_rate()),
        (TOLL_FREE, all.toll_free()),
        (SHARED_COST, all.shared_cost()),
        (VOIP, all.voip()),
        (PERSONAL_NUMBER, all.personal_number()),
        (PAGER, all.pager()),
        (UAN, all.uan()),
        (VOICEMAIL, all.voicemail()),
        (FIXED_LINE, all.fixed_line()),
        (MOBILE, all.mobile()),
    ]
    .into_iter()
    .filter_map(|(kind, desc)| Some((kind, desc?)))
    .collect()
}

fn squeeze(pattern: &str) -> String {
    pattern.chars().filter(|c| !c.is_whitespace()).collect()
}

fn plan<'a>(graph: &mut Graph, code: u16, meta: &'a Metadata) -> Plan<'a> {
    let types = types(meta);
    let lengths = types.iter().fold(0, |all, (_, desc)| all | bits(desc.possible_length().iter().copied()));
    let local = types.iter().fold(0, |all, (_, desc)| all | bits(desc.possible_local_length().iter().copied()));
    let general = meta.descriptors().general().national_number().as_str();

    let mut machine = Machine::default();
    let general_entry = machine.add(general, 0);
    let mut entries = vec![general_entry];
    for (kind, desc) in &types {
        entries.push(machine.add(desc.national_number().as_str(), usize::from(*kind)));
    }
    let pattern_of = |wanted: u8| {
        types.iter().find(|(kind, _)| *kind == wanted).map(|(_, desc)| squeeze(desc.national_number().as_str()))
    };
    let same_pattern = pattern_of(FIXED_LINE).is_some() && pattern_of(FIXED_LINE) == pattern_of(MOBILE);
    let label = |positions: &Vec<usize>, read: usize| {
        if lengths & 1 << read == 0 || !machine.accepts(positions, 0) {
            return 0;
        }
        let is = |wanted: u8| {
            types.iter().any(|(kind, desc)| {
                *kind == wanted
                    && desc.possible_length().iter().any(|length| usize::from(*length) == read)
                    && machine.accepts(positions, usize::from(wanted))
            })
        };
        let special = [PREMIUM_RATE, TOLL_FREE, SHARED_COST, VOIP, PERSONAL_NUMBER, PAGER, UAN, VOICEMAIL]
            .into_iter()
            .find(|k| is(*k));
        match special {
            Some(kind) => kind,
            None if is(FIXED_LINE) && (same_pattern || is(MOBILE)) => FIXED_LINE_OR_MOBILE,
            None if is(FIXED_LINE) => FIXED_LINE,
            None if !same_pattern && is(MOBILE) => MOBILE,
            None => 0,
        }
    };
    let longest = LONGEST - code.to_string().len();
    let root = graph.add(&machine, machine.start(&entries), longest, &label);
    let general = graph.add(&machine, machine.start(&[general_entry]), LONGEST_GENERAL, &|positions, _| {
        u8::from(machine.accepts(positions, 0))
    });
    let leading = meta.leading_digits().map_or(0, |pattern| {
        let mut machine = Machine::default();
        let entry = machine.add(pattern.as_str(), 0);
        graph.add(&machine, machine.start(&[entry]), LONGEST, &|positions, _| u8::from(machine.accepts(positions, 0)))
    });
    Plan { code, meta, lengths, local_lengths: local & !lengths, root, general, leading }
}

/// Texts of the table, each stored once.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    known: BTreeMap<String, (u16, u16)>,
}

impl Texts {
    /// Offset and length of `text`.
    fn add(&mut self, text: Option<String>) -> (u16, u16) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return (0, 0) };
        if let Some(known) = self.known.get(&text) {
            return *known;
        }
        let place =
            (u16::try_from(self.bytes.len()).expect("too many texts"), u16::try_from(text.len()).expect("long"));
        self.bytes.extend(text.as_bytes());
        self.known.insert(text, place);
        place
    }
}

fn write(graph: &Graph, plans: &[Plan<'_>], codes: &[(u16, usize, usize)], regions: &[&str]) -> Vec<u8> {
    let narrow = |n: usize| u8::try_from(n).expect("fits one byte");
    let mut index = vec![0u8; 1000];
    let mut code_records = Vec::new();
    for (n, (code, first, count)) in codes.iter().enumerate() {
        let text = code.to_string();
        let scale = 10usize.pow(3 - u32::try_from(text.len()).expect("three digits"));
        for slot in &mut index[usize::from(*code) * scale..][..scale] {
            assert_eq!(*slot, 0, "calling code {code} begins another one");
            *slot = narrow(n + 1);
        }
        code_records.extend(code.to_le_bytes());
        code_records.extend([narrow(*first), narrow(*count)]);
    }

    let mut texts = Texts::default();
    let mut plan_records = Vec::new();
    for plan in plans {
        let region = regions.iter().position(|id| *id == plan.meta.id()).expect("every region is listed");
        plan_records.extend([narrow(region), 0]);
        for number in [plan.code, plan.root, plan.general, plan.leading] {
            plan_records.extend(number.to_le_bytes());
        }
        plan_records.extend(plan.lengths.to_le_bytes());
        plan_records.extend(plan.local_lengths.to_le_bytes());
        let prefix = plan.meta.national_prefix_for_parsing().map(|p| squeeze(p.as_str()));
        let prefix = prefix.or_else(|| plan.meta.national_prefix().map(str::to_owned));
        let transform = plan.meta.national_prefix_transform_rule().map(str::to_owned);
        let abroad = plan.meta.international_prefix().map(|p| squeeze(p.as_str()));
        for text in [prefix, transform, abroad] {
            let (offset, length) = texts.add(text);
            plan_records.extend(offset.to_le_bytes());
            plan_records.extend(length.to_le_bytes());
        }
    }

    // The plan of every region; of the world's several plans the first.
    let mut region_records = Vec::new();
    for id in regions {
        let plan = plans.iter().position(|plan| plan.meta.id() == *id).expect("every region has a plan");
        region_records.extend(id.bytes().chain([0]).take(3));
        region_records.push(narrow(plan));
    }

    let labels: Vec<u8> = graph.states.iter().map(|state| state.label).collect();
    let rows: Vec<u8> = graph.states.iter().flat_map(|state| state.next).flat_map(u16::to_le_bytes).collect();

    let sections = [index, code_records, plan_records, region_records, labels, rows, texts.bytes];
    let mut out = b"PHN1".to_vec();
    let mut offset = 4 + 4 * (sections.len() + 1);
    for section in &sections {
        out.extend(u32::try_from(offset).expect("a small file").to_le_bytes());
        offset += section.len();
    }
    out.extend(u32::try_from(offset).expect("a small file").to_le_bytes());
    out.extend(sections.concat());
    out
}
