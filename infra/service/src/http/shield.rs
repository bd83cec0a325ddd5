//! A future that survives the panic of the one inside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Gives `None` where the inner future panicked. The panic's message has gone to stderr by then.
pub(super) struct Shield<F: ?Sized>(Pin<Box<F>>);

impl<F: Future + ?Sized> Shield<F> {
    pub(super) fn new(inner: Pin<Box<F>>) -> Self {
        Shield(inner)
    }
}

impl<F: Future + ?Sized> Future for Shield<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The inner future is never polled again after a panic: this future is ready then.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}
