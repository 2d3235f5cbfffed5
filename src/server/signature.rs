//! `X-Twilio-Signature`: base64(HMAC-SHA1(auth token, URL and the POST parameters sorted by key)).
