//! Exhaustive scheduler: runs two flows concurrently, in every possible order of their port calls.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Order in which two flows take turns.
pub(crate) struct Order {
    /// Choice at each step at which both could continue: whether the second one did.
    choices: Vec<bool>,
    step: usize,
}

/// Runs a case in every order, and returns the number of orders.
pub(crate) fn every_order(mut case: impl FnMut(&mut Order)) -> usize {
    let mut order = Order { choices: Vec::new(), step: 0 };
    let mut orders = 0;
    loop {
        case(&mut order);
        orders += 1;
        order.step = 0;
        while order.choices.last() == Some(&true) {
            order.choices.pop();
        }
        match order.choices.last_mut() {
            Some(last) => *last = true,
            None => return orders,
        }
    }
}

impl Order {
    /// Runs both flows to completion. They take turns at port calls, which yield.
    pub(crate) fn both<A, B>(
        &mut self,
        one: impl Future<Output = A>,
        two: impl Future<Output = B>,
    ) -> (A, B) {
        let (mut one, mut two) = (pin!(one), pin!(two));
        let (mut first, mut second) = (None, None);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let seconds_turn = match (&first, &second) {
                (None, None) => self.choose(),
                (None, Some(_)) => false,
                (Some(_), _) => true,
            };
            if seconds_turn {
                if let Poll::Ready(done) = two.as_mut().poll(&mut cx) {
                    second = Some(done);
                }
            } else if let Poll::Ready(done) = one.as_mut().poll(&mut cx) {
                first = Some(done);
            }
            (first, second) = match (first, second) {
                (Some(first), Some(second)) => return (first, second),
                unfinished => unfinished,
            };
        }
    }

    fn choose(&mut self) -> bool {
        if self.step == self.choices.len() {
            self.choices.push(false);
        }
        self.step += 1;
        self.choices[self.step - 1]
    }
}

#[test]
fn all_orders_are_tried() {
    let turn = async |log: &std::cell::RefCell<String>, name: char| {
        for _ in 0..2 {
            log.borrow_mut().push(name);
            let mut gave = false;
            std::future::poll_fn(|_| match std::mem::replace(&mut gave, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    every_order(|order| {
        let log = std::cell::RefCell::default();
        order.both(turn(&log, 'a'), turn(&log, 'b'));
        seen.insert(log.take());
    });
    assert_eq!(seen.len(), 6, "{seen:?}");
}
