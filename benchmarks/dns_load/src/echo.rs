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
    let failed = |error: std::io::Error| error.to_string();
    loop {
        poller.wait(u64::MAX >> 8).map_err(failed)?.for_each(drop);
        while batch.receive(&sockets[0]).map_err(failed)? > 0 {
            batch.answer(|buffer, length| {
                // What is a response already is not sent round in a circle.
                let is_query = length > 2 && buffer[2] & QR == 0;
                buffer[2] |= QR;
                is_query.then_some(length)
            });
            batch.send(&sockets[0]).map_err(failed)?;
        }
    }
}
