//! What the property tests make at random, made by number: the same number gives the same.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// One of the values of a strategy.
pub fn made<S: Strategy>(strategy: &S, number: u16) -> S::Value {
    let mut seed = [0; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    strategy.new_tree(&mut runner).unwrap().current()
}

/// The bytes that choose, and the rest of the input.
pub fn split<const COUNT: usize>(bytes: &[u8]) -> ([u8; COUNT], &[u8]) {
    match bytes.split_first_chunk() {
        Some((chosen, rest)) => (*chosen, rest),
        None => ([0; COUNT], bytes),
    }
}
