// An OpenID provider for tests: npm's oidc-provider with sign-in forms of our
// own. It reads its configuration, one line of JSON, from its standard input,
// writes where it listens, and ends when its standard input does.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
const options = JSON.parse(await new Promise((resolve) => lines.once('line', resolve)));

const key = (kid) => ({ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid });

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  jwks: { keys: [key('provider-1')] },
  clients: options.clients,
  clientAuthMethods: ['private_key_jwt'],
  findAccount: (_, id) => (id in options.people ? { accountId: id, claims: () => ({ sub: id, ...options.people[id] }) } : undefined),
  claims: { openid: ['sub'], profile: ['name', 'given_name', 'family_name', 'locale'], email: ['email'], personal_identity_code: ['personal_identity_code'], organization: ['organization'] },
  conformIdTokenClaims: false,
  acrValues: options.levels,
  extraParams: ['ftn_spname', 'ftn_idp_id'],
  responseTypes: ['code'],
  cookies: { keys: [randomBytes(16).toString('hex')] },
  features: {
    devInteractions: { enabled: false },
    encryption: { enabled: true },
    requestObjects: { enabled: true, requireSignedRequestObject: options.signedRequests },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => { ctx.body = `<!DOCTYPE html><title>logout</title>${form}`; },
    },
  },
  enabledJWA: { idTokenEncryptionAlgValues: ['RSA-OAEP', 'RSA-OAEP-256'], idTokenEncryptionEncValues: ['A128CBC-HS256', 'A128GCM', 'A256GCM'], requestObjectSigningAlgValues: ['RS256'], clientAuthSigningAlgValues: ['RS256'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async (ctx) => { // nobody is asked for consent
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope(ctx.oidc.params.scope);
    await grant.save();
    return grant;
  },
  fetch: (url, { dispatcher, ...rest }) => fetch(url, rest), // the client's keys and logout are on this machine
  renderError: (ctx, out) => { ctx.type = 'text'; ctx.body = `error: ${out.error}: ${out.error_description}`; },
});
for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error', 'end_session.error']) {
  provider.on(event, (...args) => console.error(event, ...args.filter((a) => a instanceof Error).map((e) => `${e.message} ${e.error_detail ?? ''} ${e.cause ?? ''}`)));
}

const handle = provider.callback();
server.on('request', async (req, res) => {
  const uid = /^\/interaction\/([^/]+)$/.exec(req.url)?.[1];
  if (!uid) return handle(req, res);
  try {
    if (req.method === 'GET') {
      const { params } = await provider.interactionDetails(req, res);
      res.setHeader('content-type', 'text/html; charset=utf-8');
      const shown = JSON.stringify({ ftn_spname: params.ftn_spname, ui_locales: params.ui_locales, acr_values: params.acr_values }).replaceAll('<', '&lt;');
      return res.end(`<!DOCTYPE html><title>sign in</title><pre>${shown}</pre><form method="post"><input name="login"><input name="acr"><button>OK</button><button name="cancel" value="yes">Cancel</button></form>`);
    }
    let body = '';
    for await (const part of req) body += part;
    const form = new URLSearchParams(body);
    await provider.interactionFinished(req, res, form.get('cancel')
      ? { error: 'access_denied', error_description: 'the person went away' }
      : { login: { accountId: form.get('login'), acr: form.get('acr') || undefined, remember: true } }, { mergeWithLastSubmission: false });
  } catch (e) {
    console.error('interaction', e);
    res.statusCode = 500;
    res.end('error');
  }
});
console.log(JSON.stringify({ issuer }));
