//! Tests of event streams.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::num::NonZeroU16;
use std::sync::Arc;

use fs_core::event::{Event, EventRecord};
use fs_core::message::Language;
use fs_core::port::EventSink;
use fs_core::{Context, Timestamp};
use fs_services::event_stream::{EventStreams, Heard};
use fs_testkit::site::{PASSWORD, Setup};
use futures::{FutureExt, StreamExt};

fn event(reason: &'static str) -> EventRecord {
    let ctx = Context::new(Timestamp::EPOCH, "", Language::english());
    EventRecord::new(Event::AuthenticationFailed { user: None, reason }, &ctx)
}

fn heard(reason: &'static str) -> Heard {
    Heard::Event(Box::new(event(reason)))
}

#[tokio::test]
async fn every_listener_hears_what_happens_from_then_on() {
    let streams = EventStreams::default();
    streams.emit(&event("before"));
    let mut first = streams.subscribe();
    streams.emit(&event("one"));
    let mut second = streams.subscribe();
    streams.emit(&event("two"));
    assert_eq!(first.next().await, Some(heard("one")));
    assert_eq!(first.next().await, Some(heard("two")));
    assert_eq!(second.next().await, Some(heard("two")));
    assert_eq!(first.next().now_or_never(), None, "it waits for more");
    drop(streams);
    assert_eq!(first.next().await, None);
}

#[tokio::test]
async fn a_slow_subscriber_is_told_and_delays_no_other() {
    let streams = EventStreams::new(NonZeroU16::new(4).unwrap());
    let mut slow = streams.subscribe();
    for _ in 0..1_000 {
        streams.emit(&event("early"));
    }
    for _ in 0..4 {
        streams.emit(&event("late"));
    }
    assert_eq!(slow.next().await, Some(Heard::Missed(1_000)));
    for _ in 0..4 {
        assert_eq!(slow.next().await, Some(heard("late")));
    }
    streams.emit(&event("on time"));
    assert_eq!(slow.next().await, Some(heard("on time")));
}

#[tokio::test]
async fn flows_are_heard() {
    let streams = EventStreams::default();
    let mut heard = streams.subscribe();
    let site = Setup::standard().build_with(|ports| ports.events.push(Arc::new(streams)));
    site.add_user("ann@site.test").await;
    site.browser().sign_in("ann@site.test", PASSWORD).await;
    let heard = heard.next().await;
    let Some(Heard::Event(record)) = heard else { panic!("{heard:?}") };
    let Event::UserAuthenticated { user, .. } = record.event else { panic!("another event") };
    assert_eq!(user.email, "ann@site.test");
}
