//! What every bus does, whatever carries it. A twin's own test file makes a [`Pair`] of attached processes and hands
//! the maker, an async function, to `suite!`, which runs all of it.
//!
//! Arrival may take time on a twin that has a network, so these tests wait for what must come, and prove that
//! something does not come by a marker published behind it.

pub(crate) mod channels;
pub(crate) mod presence;
pub(crate) mod rooms;
pub(crate) mod versions;

use bus::{Bus, Connection, Sink};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use types::{Channel, Platform, SocketId};

/// Two processes on one medium.
pub(crate) struct Pair {
    pub(crate) a: Side,
    pub(crate) b: Side,
    /// What must outlive them.
    #[allow(dead_code, reason = "held, never read")]
    pub(crate) medium: Box<dyn std::any::Any>,
}

/// A process and what it heard.
pub(crate) struct Side {
    pub(crate) bus: Bus,
    heard: mpsc::Receiver<(Channel, Bytes)>,
}

/// Far longer than any twin takes; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(10);

impl Side {
    /// Attaches a process through `attach`, with an ear for its sink.
    pub(crate) async fn attach(attach: impl AsyncFnOnce(Sink) -> Bus) -> Self {
        let (ear, heard) = mpsc::channel(10_000);
        let sink: Sink = Arc::new(move |channel: &Channel, message: &[u8]| {
            ear.try_send((channel.clone(), Bytes::copy_from_slice(message)))
                .expect("the ear takes more than any test says");
        });
        Self { bus: attach(sink).await, heard }
    }

    pub(crate) async fn hear(&mut self) -> (Channel, Bytes) {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("nothing came").expect("the sink is gone")
    }

    /// Gives the place up, and waits until it is.
    pub(crate) async fn leave(&self) {
        self.bus.detach();
        self.bus.detached().await;
    }

    /// Hears the message next, on that channel.
    pub(crate) async fn expect(&mut self, channel: &Channel, message: &str) {
        let (on, heard) = self.hear().await;
        assert_eq!((&on, &*heard), (channel, message.as_bytes()));
    }
}

pub(crate) fn key<T: std::str::FromStr<Err: std::fmt::Debug>>(id: &str) -> T {
    id.parse().unwrap()
}

pub(crate) fn connection(socket: &str) -> Connection {
    Connection { socket: key::<SocketId>(socket), platform: Platform::Pc, device: None, announcement: None }
}

macro_rules! suite {
    ($pair:path: $($part:ident { $($test:ident),+ $(,)? })+) => {
        $(mod $part {
            $(#[tokio::test]
            async fn $test() {
                crate::suite::$part::$test($pair().await).await;
            })+
        })+
    };
    ($pair:path) => {
        crate::suite::suite! { $pair:
            channels {
                what_is_published_after_subscribing_arrives_everywhere,
                nothing_comes_without_a_subscription,
                subscribing_twice_is_subscribing_once,
                unsubscribing_silences_this_process_only,
                one_publishers_messages_keep_their_order,
                publishing_counts_the_processes_that_received,
                bytes_are_not_touched,
                a_detached_process_hears_and_does_nothing,
                a_process_is_known_while_it_is_attached,
            }
            versions {
                a_message_is_published_with_the_version_that_it_raised,
                each_channel_counts_for_itself,
                what_is_only_published_raises_nothing,
                raising_with_nobody_subscribed_is_counted_all_the_same,
                versions_are_equal_while_nothing_is_raised,
                only_objects_for_users_and_groups_have_versions,
            }
            presence {
                the_first_connection_anywhere_is_the_first,
                only_the_last_unregistered_is_the_last,
                the_same_socket_again_is_no_second_connection,
                a_status_is_the_users_on_all_processes,
                without_a_connection_there_is_no_status_and_no_target,
                a_target_waits_for_the_next_window,
                all_is_gone_with_the_last_connection,
                connections_of_a_process_that_left_do_not_count,
                a_first_connection_is_announced_once,
            }
            rooms {
                a_room_exists_while_it_is_put,
                only_the_named_may_enter,
                an_empty_list_admits_anyone,
                members_are_listed_in_the_order_they_came,
                entering_twice_is_entering_once,
                leaving_tells_who_remains,
                changing_a_room_puts_out_who_may_no_longer_be_there,
                removing_a_room_puts_everybody_out,
                revisions_rise_even_across_the_end_of_a_room,
                sockets_of_a_process_that_left_are_out,
            }
        }
    };
}
pub(crate) use suite;
