// SPDX-License-Identifier: MIT OR Apache-2.0

//! That the server is to end, for all who have to know.

use tokio::sync::watch;

#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits until the server is to end.
    pub async fn wait(&self) {
        let _ = self.0.clone().wait_for(|is_over| *is_over).await; // no sender: over as well
    }
}
