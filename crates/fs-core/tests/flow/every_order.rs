//! Two flows at the same moment, in every order in which their port calls can happen.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// One of the orders in which two flows take turns.
pub(crate) struct Order {
    /// At each step at which both could go on: whether the second one did.
    choices: Vec<bool>,
    step: usize,
}

/// Runs a case in every order, and tells how many there were.
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
    /// Runs both to their ends. They take turns where they call a port, which gives way.
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
