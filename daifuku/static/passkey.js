// Asks the browser for passkeys. Pages work without it; it shows its buttons only where the browser
// can.
(() => {
  'use strict';
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const encode = (buffer) => {
    let text = '';
    for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
    return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  };
  const decode = (text) => {
    const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  };
  const post = async (path, body) => {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body ?? {}),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };

  const signIn = async (place) => {
    const offered = await post('/sign-in/passkey/challenge');
    const found = await navigator.credentials.get({
      publicKey: {
        challenge: decode(offered.challenge),
        rpId: offered.party,
        userVerification: 'required',
        timeout: 300000,
      },
    });
    const { location: target } = await post('/sign-in/passkey', {
      challenge: offered.challenge,
      credential: encode(found.rawId),
      client_data: encode(found.response.clientDataJSON),
      authenticator_data: encode(found.response.authenticatorData),
      signature: encode(found.response.signature),
      return: place.dataset.return ?? '',
    });
    location.assign(target);
  };

  const add = async () => {
    const offered = await post('/settings/passkeys/challenge');
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: decode(offered.challenge),
        rp: { id: offered.party, name: offered.party_name },
        user: {
          id: decode(offered.user),
          name: offered.user_name,
          displayName: offered.user_name,
        },
        pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
        excludeCredentials: offered.known.map((id) => ({ type: 'public-key', id: decode(id) })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestation: 'none',
        timeout: 300000,
      },
    });
    const { location: target } = await post('/settings/passkeys', {
      challenge: offered.challenge,
      client_data: encode(made.response.clientDataJSON),
      attestation: encode(made.response.attestationObject),
    });
    location.assign(target);
  };

  const offer = (id, act) => {
    const place = document.getElementById(id);
    if (!place) return;
    const button = place.querySelector('button');
    const failed = place.querySelector('[role="alert"]');
    place.hidden = false;
    button.addEventListener('click', async () => {
      failed.hidden = true;
      button.disabled = true;
      try {
        await act(place);
      } catch (error) {
        // Who closes the browser's question has changed their mind: nothing to say.
        failed.hidden = error.name === 'NotAllowedError';
      } finally {
        button.disabled = false;
      }
    });
  };
  offer('passkey-sign-in', signIn);
  offer('passkey-add', add);
})();
