//! Reads the committed table of numbering plans, `data/phone/numbers.bin` (its format: `data/phone/README.md`).
//!
//! Nothing is loaded, compiled or allocated: every question is a few reads of constant bytes.

static DATA: &[u8] = include_bytes!("../../data/phone/numbers.bin");

const INDEX: usize = section(0);
const CODES: usize = section(1);
const PLANS: usize = section(2);
const REGIONS: usize = section(3);
const LABELS: usize = section(4);
const ROWS: usize = section(5);
const TEXTS: usize = section(6);

const CODE_BYTES: usize = 4;
const PLAN_BYTES: usize = 30;
const REGION_BYTES: usize = 4;
const ROW_BYTES: usize = 20;

/// The number of regions, the world (`001`) included.
pub(crate) const REGION_COUNT: usize = (LABELS - REGIONS) / REGION_BYTES;

/// Where a section begins, as the header says.
const fn section(n: usize) -> usize {
    let header: &[u8] = include_bytes!("../../data/phone/numbers.bin");
    assert!(header[0] == b'P' && header[1] == b'H' && header[2] == b'N' && header[3] == b'1', "another format");
    let at = 4 + 4 * n;
    (header[at] as usize) | (header[at + 1] as usize) << 8 | (header[at + 2] as usize) << 16
}

fn u16_at(at: usize) -> u16 {
    u16::from_le_bytes([DATA[at], DATA[at + 1]])
}

fn u32_at(at: usize) -> u32 {
    u32::from_le_bytes([DATA[at], DATA[at + 1], DATA[at + 2], DATA[at + 3]])
}

/// A country calling code that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    value: u16,
    first: u8,
    count: u8,
}

impl Code {
    /// The calling code that a number begins with, given its first three digits (`lead`, filled up with zeros).
    #[inline]
    pub(crate) fn leading(lead: u16) -> Option<Self> {
        let n = *DATA[INDEX..CODES].get(usize::from(lead))?;
        let at = CODES + usize::from(n.checked_sub(1)?) * CODE_BYTES;
        Some(Self { value: u16_at(at), first: DATA[at + 2], count: DATA[at + 3] })
    }

    /// The calling code `value` itself.
    pub(crate) fn exact(value: u16) -> Option<Self> {
        let lead = match value {
            1..=9 => value * 100,
            10..=99 => value * 10,
            _ => value,
        };
        Self::leading(lead).filter(|code| code.value == value)
    }

    /// The calling code as a number, 1 to 999.
    pub(crate) fn value(self) -> u16 {
        self.value
    }

    /// How many digits the calling code has.
    pub(crate) fn digits(self) -> usize {
        match self.value {
            0..=9 => 1,
            10..=99 => 2,
            _ => 3,
        }
    }

    /// The plan of the main region that uses the code.
    pub(crate) fn main(self) -> Plan {
        Plan(self.first)
    }

    /// The plans of all regions that use the code, the main one first, in libphonenumber's order.
    pub(crate) fn plans(self) -> impl Iterator<Item = Plan> {
        (self.first..self.first + self.count).map(Plan)
    }

    /// Whether only one region uses the code.
    pub(crate) fn is_unshared(self) -> bool {
        self.count == 1
    }
}

/// A numbering plan: a region's, or that of a calling code which belongs to no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan(u8);

impl Plan {
    fn at(self, field: usize) -> usize {
        PLANS + usize::from(self.0) * PLAN_BYTES + field
    }

    /// The plan's region, as an index into the regions.
    pub(crate) fn region(self) -> u8 {
        DATA[self.at(0)]
    }

    /// The plan's calling code.
    pub(crate) fn code(self) -> u16 {
        u16_at(self.at(2))
    }

    /// The possible lengths of a national number: bit `n` for `n` digits.
    pub(crate) fn lengths(self) -> u32 {
        u32_at(self.at(10))
    }

    /// The lengths that are dialled only locally.
    pub(crate) fn local_lengths(self) -> u32 {
        u32_at(self.at(14))
    }

    /// The type of the national number `digits` (values 0 to 9), as the value of a `PhoneType`; 0 if it is not valid.
    pub(crate) fn kind(self, digits: &[u8]) -> u8 {
        label(walk(u16_at(self.at(4)), digits))
    }

    /// Whether some valid national number of the plan begins with `digits`.
    pub(crate) fn begins(self, digits: &[u8]) -> bool {
        walk(u16_at(self.at(4)), digits) != 0
    }

    /// Whether `digits` begin with leading digits that are this region's alone; `None` if the plan names none.
    pub(crate) fn has_leading(self, digits: &[u8]) -> Option<bool> {
        let mut state = u16_at(self.at(8));
        if state == 0 {
            return None;
        }
        for digit in digits {
            state = next(state, *digit);
            if label(state) != 0 {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// What only the lenient parser asks.
impl Plan {
    /// Whether the pattern for the plan as a whole matches `digits`.
    pub(crate) fn matches_general(self, digits: &[u8]) -> bool {
        label(walk(u16_at(self.at(6)), digits)) != 0
    }

    /// The pattern of the prefix that is dialled before a national number.
    pub(crate) fn national_prefix(self) -> &'static [u8] {
        self.text(18)
    }

    /// What a match of [`Self::national_prefix`] is replaced by, if it is not just left out.
    pub(crate) fn prefix_transform(self) -> &'static [u8] {
        self.text(22)
    }

    /// The pattern of the prefix that is dialled before an international number.
    pub(crate) fn international_prefix(self) -> &'static [u8] {
        self.text(26)
    }

    fn text(self, field: usize) -> &'static [u8] {
        let start = TEXTS + usize::from(u16_at(self.at(field)));
        &DATA[start..start + usize::from(u16_at(self.at(field + 2)))]
    }
}

/// The text of the region with this index, sorted: `001`, `AC`, …
pub(crate) fn region_text(index: u8) -> &'static str {
    let at = REGIONS + usize::from(index) * REGION_BYTES;
    let length = if DATA[at + 2] == 0 { 2 } else { 3 };
    std::str::from_utf8(&DATA[at..at + length]).unwrap_or_default()
}

/// The plan of the region with this index.
pub(crate) fn region_plan(index: u8) -> Plan {
    Plan(DATA[REGIONS + usize::from(index) * REGION_BYTES + 3])
}

fn walk(root: u16, digits: &[u8]) -> u16 {
    let mut state = root;
    for digit in digits {
        if state == 0 {
            break;
        }
        state = next(state, *digit);
    }
    state
}

fn next(state: u16, digit: u8) -> u16 {
    u16_at(ROWS + usize::from(state) * ROW_BYTES + 2 * usize::from(digit))
}

fn label(state: u16) -> u8 {
    DATA[LABELS + usize::from(state)]
}
