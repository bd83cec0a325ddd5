#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use schemas::record::Category;
use serde_json::json;

fn row(bucket: u32, version: &str, country: &str, number: u64) -> TrendRow {
    let (version, country) = (version.to_owned(), country.to_owned());
    TrendRow { bucket, version, country, crash_num: number, crash_user: number, access_num: number, access_user: number }
}

fn selection(versions: &[&str]) -> Selection {
    let exact = versions.iter().map(|version| (*version).to_owned()).collect();
    Selection {
        category: CategoryFilter(Category::Crash),
        devices: DeviceFilter::default(),
        versions: VersionFilter { exact, ..VersionFilter::default() },
        countries: CountryFilter::default(),
        dimensions: Dimensions::default(),
        plain_sums: false,
    }
}

const MERGED_VERSIONS: Dimensions = Dimensions { merge: true, by_country: false };

fn filled(rows: Vec<TrendRow>, buckets: Range<u32>, selection: &Selection, gap: Gap) -> Vec<TrendRow> {
    fill(rows, selection, Frame { buckets, gap, most: 1_000 }).unwrap()
}

fn shown(rows: &[TrendRow]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {} {} {}", row.bucket, row.version, row.country, row.crash_num)).collect()
}

#[test]
fn an_empty_range_has_one_filler_a_bucket() {
    let filled = filled(Vec::new(), 0..2, &selection(&["1", "2"]), Gap::Zero);
    assert_eq!(shown(&filled), ["0 NO_STATS_DATA NO_STATS_DATA 0", "1 NO_STATS_DATA NO_STATS_DATA 0"]);
}

#[test]
fn every_bucket_of_every_version_is_there() {
    let filled = filled(vec![row(1, "1", "", 5)], 0..2, &selection(&["1", "2"]), Gap::Zero);
    assert_eq!(shown(&filled), ["0 1 -1 0", "0 2 -1 0", "1 1 -1 5", "1 2 -1 0"]);
}

#[test]
fn all_versions_and_folded_versions_have_names_of_their_own() {
    let all = filled(vec![row(0, "", "", 5)], 0..1, &selection(&[]), Gap::Zero);
    assert_eq!(shown(&all), ["0 -1 -1 5"]);
    let merged = filled(vec![row(0, "", "", 5)], 0..1, &Selection { dimensions: MERGED_VERSIONS, ..selection(&["1", "2"]) }, Gap::Zero);
    assert_eq!(shown(&merged), ["0 MERGED -1 5"]);
}

#[test]
fn countries_have_rows_of_their_own_where_asked_for() {
    let by_country = Selection {
        dimensions: Dimensions { by_country: true, merge: false },
        countries: CountryFilter(vec!["中国".to_owned(), "US".to_owned()]),
        ..selection(&[])
    };
    let filled = filled(vec![row(0, "", "中国", 5)], 0..1, &by_country, Gap::Zero);
    assert_eq!(shown(&filled), ["0 -1 US 0", "0 -1 中国 5"]);
}

#[test]
fn plain_sums_add_the_versions_up() {
    let selection = Selection { dimensions: MERGED_VERSIONS, plain_sums: true, ..selection(&["1", "2"]) };
    assert!(selection.split().by_version);
    let filled = filled(vec![row(0, "1", "", 5), row(0, "2", "", 6)], 0..1, &selection, Gap::Zero);
    assert_eq!(shown(&filled), ["0 MERGED -1 11"]);
}

#[test]
fn a_day_so_far_goes_on_and_ends_at_midnight() {
    let rows = vec![row(1, "1", "", 5), row(3, "2", "", 7), row(25, "1", "", 2)];
    let sums = Selection { dimensions: MERGED_VERSIONS, plain_sums: true, ..selection(&["1", "2"]) };
    let filled = filled(rows, 0..27, &sums, Gap::SoFar { buckets_a_day: 24 });
    let numbers: Vec<u64> = filled.iter().map(|row| row.crash_num).collect();
    assert_eq!(numbers[..5], [0, 5, 5, 12, 12]);
    assert_eq!(numbers[22..], [12, 12, 0, 2, 2]);
}

#[test]
fn an_answer_has_a_bound() {
    let frame = Frame { buckets: 0..10, gap: Gap::Zero, most: 19 };
    assert!(fill(vec![row(0, "1", "", 5)], &selection(&["1"]), frame.clone()).is_ok());
    assert!(fill(vec![row(0, "1", "", 5)], &selection(&["1", "2"]), frame).is_err());
}

#[test]
fn wrong_parameters_are_named() {
    let of = |fields| crate::param::tests::checked_all::<TrendParameters>(fields);
    for (fields, name) in
        [(json!({"type": "oom"}), "type"), (json!({"vm": 3}), "vm"), (json!({"userSceneTagList": ["s"]}), "userSceneTagList")]
    {
        assert!(of(fields).unwrap_err().starts_with(name), "{name}");
    }
    let fields = json!({"type": "ANR", "vm": "2", "versionList": "[\"1.*\"]", "countryList": "[]", "needCountryDimension": "true"});
    let (category, devices, versions, countries, dimensions) = of(fields).unwrap();
    assert_eq!((category, devices, countries), (CategoryFilter(Category::Anr), DeviceFilter(2), CountryFilter::default()));
    assert_eq!(dimensions, Dimensions { by_country: true, merge: false });
    assert_eq!(versions.wildcards, ["1.*"]);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_missing(
        cells in proptest::collection::btree_map((0_u32..30, 0_usize..3), 1_u64..100, 1..40),
        end in 30_u32..40,
        merge: bool,
    ) {
        let names = ["1", "2", "三"];
        let rows: Vec<_> = cells.iter().map(|((bucket, version), number)| row(*bucket, names[*version], "", *number)).collect();
        let selection = Selection { dimensions: Dimensions { merge, by_country: false }, plain_sums: true, ..selection(&names) };
        let filled = filled(rows.clone(), 0..end, &selection, Gap::Zero);
        let series = if merge { 1 } else { names.len() };
        prop_assert_eq!(filled.len(), end as usize * series);
        prop_assert_eq!(filled.iter().map(|row| row.crash_num).sum::<u64>(), cells.values().sum::<u64>());
        prop_assert!(filled.windows(2).all(|pair| (pair[0].bucket, &pair[0].version) < (pair[1].bucket, &pair[1].version)));
    }

    #[test]
    fn a_day_so_far_never_falls_within_a_day(steps in proptest::collection::vec((0_u32..72, 0_u64..9), 1..30)) {
        let mut steps = steps;
        steps.sort_unstable();
        steps.dedup_by_key(|step| step.0);
        let mut sums = [0_u64; 3];
        let rows = steps.iter().map(|(bucket, step)| {
            sums[(*bucket / 24) as usize] += step;
            row(*bucket, "", "", sums[(*bucket / 24) as usize])
        });
        let filled = filled(rows.collect(), 0..72, &selection(&[]), Gap::SoFar { buckets_a_day: 24 });
        for day in filled.chunks(24) {
            prop_assert!(day.windows(2).all(|pair| pair[0].crash_num <= pair[1].crash_num));
            prop_assert_eq!(day[23].crash_num, sums[(day[0].bucket / 24) as usize]);
        }
    }
}
