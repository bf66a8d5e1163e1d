//! Event sink that delivers events as asynchronous streams.

use std::num::NonZeroU16;

use fs_core::event::EventRecord;
use fs_core::port::EventSink;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

/// [`EventSink`] that broadcasts every event to its subscribers.
///
/// Pass a clone to the ports ([`Ports::events`](fs_core::Ports::events)) and keep one to subscribe.
///
/// It never blocks and never fails. A subscriber that falls behind loses the oldest events and is
/// told how many. So use a stream only where a missed event does no harm: for counters, a feed or
/// the invalidation of a cache. Write what must not be lost to the database, in the same commit.
///
/// ```
/// use fs_core::event::Event;
/// # use fs_core::event::EventRecord;
/// # use fs_core::port::EventSink;
/// use fs_services::event_stream::{EventStreams, Heard};
/// use futures::StreamExt;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let streams = EventStreams::default();
/// let mut heard = streams.subscribe();
/// # let event = Event::AuthenticationFailed { user: None, reason: "unknown_identity" };
/// # let (now, language) = (fs_core::Timestamp::EPOCH, fs_core::message::Language::english());
/// # let ctx = fs_core::Context::new(now, "", language);
/// # streams.emit(&EventRecord::new(event, &ctx));
/// # drop(streams);
/// // Usually in a task of its own: `tokio::spawn(async move { … })`.
/// while let Some(heard) = heard.next().await {
///     match heard {
///         Heard::Event(record) => match record.event {
///             Event::AuthenticationFailed { reason, .. } => println!("{reason} at {:?}", record.at),
///             _ => {}
///         },
///         Heard::Missed(count) => println!("{count} events went by unseen"),
///     }
/// }
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct EventStreams(Sender<EventRecord>);

/// Item of an event stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An event that was emitted, boxed because it is large.
    Event(Box<EventRecord>),
    /// Number of events that were lost because the subscriber fell behind.
    Missed(u64),
}

impl Default for EventStreams {
    /// Creates streams whose subscribers may fall behind by 1024 events.
    fn default() -> Self {
        Self(broadcast::channel(1_024).0)
    }
}

impl EventStreams {
    /// Creates streams that keep at least `behind` events for subscribers that fall behind.
    pub fn new(behind: NonZeroU16) -> Self {
        Self(broadcast::channel(behind.get().into()).0)
    }

    /// Returns a stream of all events from now on. It ends when every clone of this sink is
    /// dropped.
    pub fn subscribe(&self) -> BoxStream<'static, Heard> {
        stream::unfold(self.0.subscribe(), next).boxed()
    }
}

async fn next(mut events: Receiver<EventRecord>) -> Option<(Heard, Receiver<EventRecord>)> {
    match events.recv().await {
        Ok(event) => Some((Heard::Event(Box::new(event)), events)),
        Err(RecvError::Lagged(count)) => Some((Heard::Missed(count), events)),
        Err(RecvError::Closed) => None,
    }
}

impl EventSink for EventStreams {
    fn emit(&self, event: &EventRecord) {
        // `send` fails if nobody is subscribed, which is not an error here.
        let _ = self.0.send(event.clone());
    }
}
