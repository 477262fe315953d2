/// Key.
#[derive(Clone)]
pub struct WebhookKey([u8; 32]);
impl WebhookKey {
    pub const fn new(b: [u8; 32]) -> Self {
        Self(b)
    }
}
impl core::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}
