//! Which zone counts where libphonenumber's data leaves several.

use crate::phone::region::Region;
use chrono_tz::Tz;

/// The principal zone of a region, of those regions for whose numbers the prefix data may leave several zones.
///
/// It is the zone where most of the region's people live. Where a number's prefix leaves a few zones and the principal
/// one is not among them, a zone of the region's that is among them counts: `+1 208 2…` is northern or southern Idaho,
/// never New York. Of several, it is the one where most people with such prefixes live.
#[must_use]
pub fn principal(region: Region) -> Option<Tz> {
    zones(region)?.first().copied()
}

/// The zones of a region, the principal one first, then the others that its prefixes leave undecided.
pub(super) fn zones(region: Region) -> Option<&'static [Tz]> {
    let index = TABLE.binary_search_by_key(&region.as_str(), |(region, _)| region).ok()?;
    Some(TABLE[index].1)
}

/// By region, sorted; the order of the zones decides where a prefix leaves several of them.
#[rustfmt::skip]
static TABLE: &[(&str, &[Tz])] = &[
    ("AG", &[Tz::America__Antigua]),
    ("AI", &[Tz::America__Anguilla]),
    ("AS", &[Tz::Pacific__Pago_Pago]),
    ("AU", &[Tz::Australia__Sydney, Tz::Australia__Brisbane, Tz::Australia__Perth, Tz::Australia__Adelaide]),
    ("AX", &[Tz::Europe__Mariehamn]),
    ("BB", &[Tz::America__Barbados]),
    ("BM", &[Tz::Atlantic__Bermuda]),
    ("BQ", &[Tz::America__Kralendijk]),
    ("BR", &[Tz::America__Sao_Paulo, Tz::America__Manaus, Tz::America__Rio_Branco]),
    ("BS", &[Tz::America__Nassau]),
    ("CA", &[Tz::America__Toronto, Tz::America__Vancouver, Tz::America__Edmonton, Tz::America__Winnipeg,
             Tz::America__Regina, Tz::America__Halifax, Tz::America__St_Johns]),
    ("CC", &[Tz::Indian__Cocos]),
    ("CD", &[Tz::Africa__Kinshasa, Tz::Africa__Lubumbashi]),
    ("CL", &[Tz::America__Santiago]),
    ("CW", &[Tz::America__Curacao]),
    ("CX", &[Tz::Indian__Christmas]),
    ("DM", &[Tz::America__Dominica]),
    ("DO", &[Tz::America__Santo_Domingo]),
    ("EC", &[Tz::America__Guayaquil]),
    ("ES", &[Tz::Europe__Madrid]),
    ("FI", &[Tz::Europe__Helsinki]),
    ("FM", &[Tz::Pacific__Truk, Tz::Pacific__Ponape, Tz::Pacific__Kosrae]),
    ("GB", &[Tz::Europe__London]),
    ("GD", &[Tz::America__Grenada]),
    ("GG", &[Tz::Europe__Guernsey]),
    ("GL", &[Tz::America__Godthab]),
    ("GU", &[Tz::Pacific__Guam]),
    ("ID", &[Tz::Asia__Jakarta, Tz::Asia__Makassar, Tz::Asia__Jayapura]),
    ("IE", &[Tz::Europe__Dublin]),
    ("IM", &[Tz::Europe__Isle_of_Man]),
    ("IT", &[Tz::Europe__Rome]),
    ("JE", &[Tz::Europe__Jersey]),
    ("JM", &[Tz::America__Jamaica]),
    ("KI", &[Tz::Pacific__Tarawa]),
    ("KN", &[Tz::America__St_Kitts]),
    ("KY", &[Tz::America__Cayman]),
    ("KZ", &[Tz::Asia__Almaty, Tz::Asia__Aqtobe]),
    ("LC", &[Tz::America__St_Lucia]),
    ("MN", &[Tz::Asia__Ulaanbaatar, Tz::Asia__Hovd]),
    ("MP", &[Tz::Pacific__Saipan]),
    ("MS", &[Tz::America__Montserrat]),
    ("MX", &[Tz::America__Mexico_City, Tz::America__Tijuana, Tz::America__Mazatlan]),
    ("NO", &[Tz::Europe__Oslo]),
    ("NZ", &[Tz::Pacific__Auckland]),
    ("PF", &[Tz::Pacific__Tahiti]),
    ("PR", &[Tz::America__Puerto_Rico]),
    ("PT", &[Tz::Europe__Lisbon]),
    ("RE", &[Tz::Indian__Reunion]),
    ("RU", &[Tz::Europe__Moscow, Tz::Asia__Yekaterinburg, Tz::Asia__Novosibirsk]),
    ("SJ", &[Tz::Arctic__Longyearbyen]),
    ("SX", &[Tz::America__Lower_Princes]),
    ("TC", &[Tz::America__Grand_Turk]),
    ("TT", &[Tz::America__Port_of_Spain]),
    ("US", &[Tz::America__New_York, Tz::America__Chicago, Tz::America__Phoenix, Tz::America__Denver,
             Tz::America__Boise, Tz::America__Los_Angeles, Tz::America__Anchorage]),
    ("VA", &[Tz::Europe__Vatican]),
    ("VC", &[Tz::America__St_Vincent]),
    ("VG", &[Tz::America__Tortola]),
    ("VI", &[Tz::America__St_Thomas]),
    ("YT", &[Tz::Indian__Mayotte]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::PhoneNumber;
    use crate::phone::zone::candidates;

    #[test]
    fn the_table_is_sorted_and_names_regions() {
        assert!(TABLE.is_sorted_by_key(|(region, _)| region));
        for (region, zones) in TABLE {
            assert!(region.parse::<Region>().is_ok() && !zones.is_empty(), "{region}");
        }
    }

    /// Wherever prefixes leave several zones, the table decides: it has all regions of those calling codes and no other.
    #[test]
    fn the_table_has_exactly_the_regions_in_doubt() {
        let doubtful = |code: u16| {
            let mut areas = (0..100_000u64).filter_map(|area| PhoneNumber::from_u64(u64::from(code) * 100_000 + area));
            areas.any(|number| candidates(number).len() > 1)
        };
        for region in Region::all() {
            let in_doubt = region.country_code().is_some_and(doubtful);
            assert_eq!(zones(region).is_some(), in_doubt, "{region}");
        }
    }
}
