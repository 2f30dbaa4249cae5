//! A UDP echo that makes a query look like an answer: what the kernel lets any server do.

use crate::arguments::Arguments;
use crate::batch::Batch;
use crate::poller::Poller;
use crate::sockets;

const DATAGRAMS: usize = 64;
const QR: u8 = 0x80;

/// Serve until killed.
pub fn serve(mut arguments: Arguments) -> Result<(), String> {
    let address = arguments.required("listen")?;
    arguments.finish()?;
    let socket = sockets::listening(address).map_err(|error| format!("{address}: {error}"))?;
    let sockets = [socket];
    let mut poller = Poller::new(&sockets).map_err(|error| error.to_string())?;
    let mut batch = Batch::<2048>::new(DATAGRAMS);
    let mut lengths = [0; DATAGRAMS];
    loop {
        poller
            .wait(u64::MAX >> 8)
            .map_err(|error| error.to_string())?
            .for_each(drop);
        loop {
            let received = batch
                .receive(&sockets[0], true)
                .map_err(|error| error.to_string())?;
            if received == 0 {
                break;
            }
            for (place, kept) in lengths[..received].iter_mut().enumerate() {
                let (buffer, length) = batch.buffer(place);
                // What is a response already is not sent round in a circle.
                *kept = if length < 3 || buffer[2] & QR != 0 {
                    0
                } else {
                    length
                };
                buffer[2] |= QR;
            }
            batch
                .answer(&sockets[0], &lengths[..received])
                .map_err(|error| error.to_string())?;
        }
    }
}
