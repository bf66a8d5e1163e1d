//! Numbering plans: libphonenumber's procedure over the metadata of the `phonenumber` crate.
//!
//! The crate's own parser reads international numbers by the default region, truncates the numbers
//! of some twenty countries, and accepts a number of which only the beginning is valid. Its
//! metadata is a copy of libphonenumber's.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{LazyLock, OnceLock};

use phonenumber::Metadata;
use phonenumber::metadata::{DATABASE, Descriptor};
use regex::{Regex, RegexBuilder};

/// Minimum and maximum number of digits of a national number.
const NATIONAL: RangeInclusive<usize> = 2..=17;

/// Numbering plans of each country code, the main country's first.
static PLANS: LazyLock<HashMap<u16, Vec<Slot>>> = LazyLock::new(|| {
    let plans = |code| Some((code, DATABASE.by_code(&code)?.into_iter().map(Slot::new).collect()));
    (1..1_000).filter_map(plans).collect()
});

/// A plan whose patterns are compiled when a number first needs them.
struct Slot {
    metadata: &'static Metadata,
    plan: OnceLock<Option<Plan>>,
}

impl Slot {
    fn new(metadata: &'static Metadata) -> Self {
        Self { metadata, plan: OnceLock::new() }
    }

    fn plan(&self) -> Option<&Plan> {
        self.plan.get_or_init(|| Plan::new(self.metadata)).as_ref()
    }
}

/// Numbering plan of a country, or of a service without a country.
struct Plan {
    /// Matches every number of the plan.
    general: Regex,
    /// Matches the numbers in use: of landlines, mobiles, services.
    in_use: Regex,
    /// Matches how a number begins that belongs to this country and not to one with the same code.
    leading: Option<Regex>,
    /// Matches what is dialled before a number within the country.
    trunk: Option<Regex>,
    /// Replacement for a trunk prefix that has a group in it.
    transform: Option<&'static str>,
    /// Matches what is dialled before a country code.
    exit: Option<Regex>,
    /// Possible numbers of digits, in ascending order.
    lengths: Vec<usize>,
    /// Possible numbers of digits of numbers that can only be dialled within their area.
    local_lengths: Vec<usize>,
}

/// Result of checking the number of digits of a national number.
#[derive(PartialEq)]
enum Length {
    Possible,
    Local,
    TooShort,
    TooLong,
    Impossible,
}

impl Plan {
    fn new(metadata: &'static Metadata) -> Option<Self> {
        let all = metadata.descriptors();
        let kinds = [
            all.fixed_line(),
            all.mobile(),
            all.toll_free(),
            all.premium_rate(),
            all.shared_cost(),
            all.personal_number(),
            all.voip(),
            all.pager(),
            all.uan(),
            all.voicemail(),
        ];
        let kinds: Vec<_> = kinds.into_iter().flatten().collect();
        let gather = |of: fn(&Descriptor) -> &[u16]| {
            let lengths = kinds.iter().flat_map(|kind| of(kind));
            let mut lengths: Vec<_> = lengths.map(|length| usize::from(*length)).collect();
            lengths.sort_unstable();
            lengths.dedup();
            lengths
        };
        let patterns: Vec<_> = kinds.iter().map(|kind| kind.national_number().as_str()).collect();
        let lengths = gather(Descriptor::possible_length);
        let mut local_lengths = gather(Descriptor::possible_local_length);
        local_lengths.retain(|length| !lengths.contains(length));
        let prefix = metadata.national_prefix_for_parsing().map(|prefix| prefix.as_str());
        let prefix = prefix.or(metadata.national_prefix());
        Some(Self {
            general: whole(all.general().national_number().as_str())?,
            in_use: whole(&patterns.join("|"))?,
            leading: metadata.leading_digits().and_then(|digits| beginning(digits.as_str())),
            trunk: prefix.and_then(beginning),
            transform: metadata.national_prefix_transform_rule(),
            exit: metadata.international_prefix().and_then(|exit| beginning(exit.as_str())),
            lengths,
            local_lengths,
        })
    }

    fn length(&self, national: &str) -> Length {
        let length = national.len();
        let (Some(shortest), Some(longest)) = (self.lengths.first(), self.lengths.last()) else {
            return Length::Impossible;
        };
        if self.local_lengths.contains(&length) {
            Length::Local
        } else if self.lengths.contains(&length) {
            Length::Possible
        } else if length < *shortest {
            Length::TooShort
        } else if length > *longest {
            Length::TooLong
        } else {
            Length::Impossible
        }
    }

    /// Returns the digits without the trunk prefix, if there is one.
    fn without_trunk(&self, national: &str) -> String {
        self.strip_trunk(national).unwrap_or_else(|| national.to_owned())
    }

    fn strip_trunk(&self, national: &str) -> Option<String> {
        let found = self.trunk.as_ref()?.captures(national)?;
        let rest = national.get(found.get(0)?.end()..)?;
        let last = found.get(found.len().saturating_sub(1));
        let stripped = match self.transform {
            Some(rule) if last.is_some() => {
                let group = |at| found.get(at).map_or("", |group| group.as_str());
                format!("{}{rest}", rule.replace("$1", group(1)).replace("$2", group(2)))
            }
            _ => rest.to_owned(),
        };
        // A number that is one as it stands is left alone, unless the rest is one as well.
        let spoils = self.general.is_match(national) && !self.general.is_match(&stripped);
        (!spoils).then_some(stripped)
    }

    fn has(&self, national: &str) -> bool {
        self.lengths.contains(&national.len())
            && self.general.is_match(national)
            && self.in_use.is_match(national)
    }
}

/// Returns the number in E.164, if it can be in use.
///
/// `digits` are all digits that were typed. `international` is whether a plus sign precedes them;
/// if so, `region` is ignored.
pub(super) fn e164(region: &str, international: bool, digits: &str) -> Option<String> {
    let (code, mut national) = match international {
        true => split_code(digits)?,
        false => dialled(region, digits)?,
    };
    let slots = PLANS.get(&code)?;
    let home = slots.iter().find(|slot| !international && slot.metadata.id() == region);
    let plan = home.or(slots.first())?.plan()?;
    if !NATIONAL.contains(&national.len()) {
        return None;
    }
    let stripped = plan.without_trunk(&national);
    if matches!(plan.length(&stripped), Length::Possible | Length::TooLong) {
        national = stripped;
    }
    let in_use = plan_of(slots, &national)?.has(&national);
    in_use.then(|| format!("+{code}{national}"))
}

/// Returns the plan of a national number, among those of one country code.
fn plan_of<'a>(slots: &'a [Slot], national: &str) -> Option<&'a Plan> {
    if let [only] = slots {
        return only.plan();
    }
    slots.iter().filter_map(Slot::plan).find(|plan| match &plan.leading {
        Some(leading) => leading.is_match(national),
        None => plan.has(national),
    })
}

/// Returns the country code and the national number of digits that are dialled in a region.
fn dialled(region: &str, digits: &str) -> Option<(u16, String)> {
    let code = DATABASE.by_id(region)?.country_code();
    let home = PLANS.get(&code)?.iter().find(|slot| slot.metadata.id() == region)?.plan()?;
    if let Some(exit) = home.exit.as_ref().and_then(|exit| exit.find(digits)) {
        let rest = digits.get(exit.end()..)?;
        // No country code begins with a zero: then this was no exit code.
        if !rest.starts_with('0') {
            return split_code(rest);
        }
    }
    // The country code without its plus sign.
    if let Some(rest) = digits.strip_prefix(code.to_string().as_str()) {
        let rest = home.without_trunk(rest);
        let only_so = !home.general.is_match(digits) && home.general.is_match(&rest);
        if only_so || home.length(digits) == Length::TooLong {
            return Some((code, rest));
        }
    }
    Some((code, digits.to_owned()))
}

/// Splits the country code off. No country code is a prefix of another one.
fn split_code(digits: &str) -> Option<(u16, String)> {
    (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code = code.parse().ok().filter(|_| !code.starts_with('0'))?;
        PLANS.contains_key(&code).then(|| (code, national.to_owned()))
    })
}

fn whole(pattern: &str) -> Option<Regex> {
    compile(&format!("^(?:{pattern})$"))
}

fn beginning(pattern: &str) -> Option<Regex> {
    compile(&format!("^(?:{pattern})"))
}

/// Compiles a pattern that matches ASCII digits only, which keeps it small.
fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).ignore_whitespace(true).unicode(false).build().ok()
}
