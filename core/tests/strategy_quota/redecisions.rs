//! Contacts that are posted again count once.

use proptest::prelude::*;
use splitter_core::strategy::quota::{Bound, UNIT, pick, repick, shares};

use crate::common::Rng;

#[test]
fn contacts_posted_again_count_once() {
    let vectors: [&[u64]; 5] =
        [&[50, 50], &[50, 30, 20], &[70, 20, 10], &[40, 25, 15, 10, 10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]];
    // Every contact twice, every contact three times, and 40 % random repeats of any earlier contact.
    for weights in vectors {
        for mode in 0..3 {
            repeats_keep_the_bound(weights, mode, 4_000);
        }
    }
}

fn repeats_keep_the_bound(weights: &[u64], mode: u8, posts: usize) {
    let shares = shares(weights).expect("some weight");
    let bound = Bound::of(weights.len());
    let mut credits = vec![0; weights.len()];
    let mut present: Vec<usize> = Vec::new();
    let mut rng = Rng(u64::from(mode));
    let mut moved = 0;
    for post in 0..posts {
        let again = match mode {
            0 => (post % 2 == 1).then(|| present.len() - 1),
            1 => (post % 3 > 0).then(|| present.len() - 1),
            _ => (rng.below(10) < 4 && !present.is_empty()).then(|| rng.below(present.len())),
        };
        if let Some(contact) = again {
            let chosen = repick(&mut credits, &shares, present[contact]);
            moved += usize::from(chosen != present[contact]);
            present[contact] = chosen;
        } else {
            present.push(pick(&mut credits, &shares));
        }
        assert!(credits.iter().all(|c| bound.allows(*c)), "{weights:?}, mode {mode}, post {post}: {credits:?}");
        let n = i128::try_from(present.len()).expect("small");
        if post % 97 == 0 {
            for (i, credit) in credits.iter().enumerate() {
                let count = present.iter().filter(|p| **p == i).count() as i128;
                assert_eq!(i128::from(*credit), i128::from(shares[i]) * n - count * i128::from(UNIT));
            }
        }
    }
    assert_eq!(moved, 0, "{weights:?}, mode {mode}: no contact moves while shares are constant");
}

/// A contact repeated after later decisions can move, to a campaign that is now due earlier. It is rare: here fewer than one
/// repeat in two hundred, over weights that are no round numbers.
#[test]
fn late_repeats_hardly_ever_move() {
    let mut rng = Rng(11);
    let (mut repeats, mut moved) = (0, 0);
    for round in 0..100 {
        let weights: Vec<u64> = (0..3 + round % 10).map(|_| 1 + rng.next() % 1000).collect();
        let shares = shares(&weights).expect("some weight");
        let mut credits = vec![0; weights.len()];
        let mut present = vec![pick(&mut credits, &shares)];
        for _ in 0..2_000 {
            if rng.below(10) < 4 {
                let contact = rng.below(present.len());
                let chosen = repick(&mut credits, &shares, present[contact]);
                (repeats, moved) = (repeats + 1, moved + usize::from(chosen != present[contact]));
                present[contact] = chosen;
            } else {
                present.push(pick(&mut credits, &shares));
            }
            assert!(credits.iter().all(|c| Bound::of(weights.len()).allows(*c)));
        }
    }
    assert!(moved * 200 < repeats, "{moved} of {repeats} moved");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Any interleaving of repeats, any constant weights: the bound holds for the present assignments, and a contact
    /// repeated before the next decision stays where it is.
    #[test]
    fn repeats_keep_the_bound_whatever_their_order(
        weights in prop::collection::vec(1_u64..1000, 2..20),
        posts in prop::collection::vec(prop::option::weighted(0.5, any::<prop::sample::Index>()), 1..500),
    ) {
        let shares = shares(&weights).expect("some weight");
        let bound = Bound::of(weights.len());
        let mut credits = vec![0; weights.len()];
        let mut present: Vec<usize> = Vec::new();
        for again in posts {
            if let Some(contact) = again.filter(|_| !present.is_empty()).map(|index| index.index(present.len())) {
                present[contact] = repick(&mut credits, &shares, present[contact]);
            } else {
                let chosen = pick(&mut credits, &shares);
                let before = credits.clone();
                prop_assert_eq!(repick(&mut credits, &shares, chosen), chosen);
                prop_assert_eq!(&credits, &before);
                present.push(chosen);
            }
            prop_assert!(credits.iter().all(|c| bound.allows(*c)));
        }
    }
}
