// Every page that a person can reach; what is asked of each is in inspection.js.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { openInspector } from './inspection.js';
import * as people from './people.js';
import { follow, press } from './people.js';
import { addStaff } from './stage.js';

const { ADMINISTRATOR, AUDITOR, DEVELOPER, HANA, SALES, SRE, TRAVEL_DEVELOPER } = people;

// Reports with the headings that are asked for, and nothing below that can be read.
const HEADINGS = '成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由';
const brokenReport = () => [HEADINGS, `1,yesterday,${randomUUID()},A9SZ16HX,5000,500,承認,`];
const noReport = () => ['1,2'];

const APPLIED = 'tr:has(.badge-good) a';

const PUBLIC = [
  { name: 'the form to sign in', path: '/sign-in' },
  { name: 'a page that asks to sign in', path: '/passbook', status: 401 },
  { name: 'a wrong password', arrive: mistypePassword('/sign-in'), status: 401 },
  { name: 'the shops', path: '/shops' },
  { name: 'the shops of a category', path: '/shops?category=travel' },
  { name: 'a search that finds nothing', path: '/shops?q=zzz' },
  { name: 'the shops that are followed most', path: '/shops?sort=popular' },
  { name: 'a shop', path: '/shops/kirameki' },
  { name: 'a shop with rewards by item', path: '/shops/hikari' },
  { name: 'a shop that gives more for some days', path: '/shops/midori' },
  { name: 'a shop with a fixed reward', path: '/shops/sakura' },
  { name: 'an unknown address', path: '/nowhere', status: 404 },
  { name: 'the problems', path: '/problems' },
  { name: 'a problem', path: '/problems/not_found' },
  { name: 'the API', path: '/api' },
  { name: 'an operation of the API', path: '/api/operations/post_holds' },
  { name: 'the demo', path: '/demo' },
  { name: 'the practice network', path: '/sandbox/network' },
  { name: 'a practice shop', path: '/sandbox/shop/yomu?ref=A9SZ16HX' },
];

const OF_MEMBERS = [
  { name: 'home', path: '/' },
  { name: 'the passbook', path: '/passbook' },
  { name: 'older lines', arrive: followFrom('/passbook', '.pager a') },
  { name: 'what is pending', path: '/passbook?show=pending' },
  { name: 'what expires', path: '/passbook?show=expiry' },
  { name: 'the story of points pending', arrive: openLine('.badge-wait') },
  { name: 'the story of points earned', arrive: openLine('.figure-plus') },
  { name: 'the story of points declined', arrive: openLine('.badge-bad') },
  { name: 'the story of points spent or expired', arrive: openLine('.figure-minus') },
  { name: 'the clicks', path: '/clicks' },
  { name: 'favourites', path: '/favourites' },
  { name: 'a shop that is kept', path: '/shops/midori' },
  { name: 'thanks for an order', arrive: order },
  { name: 'an unknown address', path: '/nowhere', status: 404 },
  { name: 'the way out', path: '/sign-out' },
  { name: 'a page for staff', path: '/staff/keys', status: 401 },
].map((page) => ({ ...page, who: HANA }));

const OF_STAFF = [
  { name: 'the form to sign in', path: '/staff/sign-in' },
  { name: 'a wrong password', arrive: mistypePassword('/staff/sign-in'), status: 401 },
  { name: 'the second step', arrive: enterPassword },
  { name: 'a wrong code', arrive: mistypeCode, status: 401 },
  { name: 'setting up an authenticator', arrive: beginEnrolment },
  { name: 'an authenticator set up with a wrong code', arrive: mistypeEnrolment, status: 401 },
  { name: 'recovery codes', arrive: enrol },
  { name: 'the way out', path: '/staff/sign-out', who: SALES },
  ...[SALES, SRE, ADMINISTRATOR, DEVELOPER].map((who) => ({ name: 'home', path: '/staff', who })),
  { name: 'shops', path: '/staff/shops', who: SALES },
  { name: 'no shops', path: '/staff/shops?q=zzz', who: SALES },
  { name: 'a shop', path: '/staff/shops/sakura', who: SALES },
  { name: 'a shop to read', path: '/staff/shops/sakura', who: AUDITOR },
  { name: 'a new shop', path: '/staff/shops/new', who: SALES },
  { name: 'an offer', arrive: followFrom('/staff/shops/sakura', '.ledger a'), who: SALES },
  { name: 'a new version', arrive: followFrom('/staff/shops/hikari', '.row .button'), who: SALES },
  { name: 'a preview', path: '/staff/shops/hikari/preview', who: SALES },
  { name: 'a preview of no moment', path: '/staff/shops/hikari/preview?at=x', who: SALES, status: 422 },
  { name: 'reports', path: '/staff/reports', who: SALES },
  { name: 'a report applied', arrive: followFrom('/staff/reports', APPLIED), who: SALES },
  { name: 'a report with errors', arrive: upload(brokenReport), who: SALES },
  { name: 'a report known already', arrive: uploadTwice, who: SALES },
  { name: 'a report without headings', arrive: upload(noReport), who: SALES, status: 422 },
  { name: 'a report without a file', arrive: uploadNothing, who: SALES, status: 422 },
  { name: 'an unknown address', path: '/staff/nowhere', who: SALES, status: 404 },
  { name: 'a forbidden page', path: '/staff/keys', who: SALES, status: 403 },
  { name: 'how it is running', path: '/staff/ops', who: SRE },
  { name: 'how it is running', path: '/staff/ops', who: ADMINISTRATOR },
  { name: 'the keys', path: '/staff/keys', who: DEVELOPER },
  { name: 'no keys yet', path: '/staff/keys', who: TRAVEL_DEVELOPER },
  { name: 'a key without rights', arrive: createKey([]), who: ADMINISTRATOR, status: 422 },
  { name: 'a new key', arrive: createKey(['company.read']), who: ADMINISTRATOR },
];

/** Declares a test for each page, in one language. */
export function everyPage(language) {
  let inspector;
  before(async () => (inspector = await openInspector(language)));
  after(() => inspector?.close());

  const groups = { public: PUBLIC, members: OF_MEMBERS, staff: OF_STAFF };
  for (const [group, pages] of Object.entries(groups)) {
    for (const page of pages) {
      const who = page.who ? ` (${page.who})` : '';
      test(`${group}: ${page.name}${who}`, async () => {
        assert.deepEqual(await inspector.inspect(page), []);
      });
    }
  }
}

function mistypePassword(path) {
  return async (window, texts) => {
    await window.goto(path);
    await people.enterPassword(window, texts, 'nobody@example.jp');
    await window.locator('[role=alert]').waitFor();
  };
}

function followFrom(path, selector) {
  return async (window) => {
    await window.goto(path);
    await window.locator(selector).first().click();
  };
}

/** Opens the first line of the passbook that has something about it. */
function openLine(mark) {
  return async (window) => {
    await window.goto('/passbook');
    const lines = window.locator('.book-line', { has: window.locator(mark) });
    await lines.first().click();
    await window.waitForURL(/\/passbook\/\d+$/);
  };
}

async function order(window, texts) {
  await window.goto('/shops/yomu');
  await follow(window, texts('offer-go'));
  await press(window, texts('sandbox-buy'));
  await window.locator('.notice-good').waitFor();
}

async function enterPassword(window, texts) {
  await window.goto('/staff/sign-in');
  await people.enterPassword(window, texts, AUDITOR);
  await window.waitForURL(/\/code/);
}

async function mistypeCode(window, texts) {
  await enterPassword(window, texts);
  await people.enterCode(window, texts, '000000');
  await window.locator('[role=alert]').waitFor();
}

async function beginEnrolment(window, texts) {
  const mail = `${randomUUID()}@daifuku.example`;
  const password = await addStaff(mail, 'sre');
  await window.goto('/staff/sign-in');
  await people.enterPassword(window, texts, mail, password);
  await window.waitForURL(/\/enrolment/);
}

async function mistypeEnrolment(window, texts) {
  await beginEnrolment(window, texts);
  await people.enterCode(window, texts, '000000', 'sign-in-enrolment-send');
  await window.locator('[role=alert]').waitFor();
}

async function enrol(window, texts) {
  await beginEnrolment(window, texts);
  const code = people.codeOfSecret(await window.locator('main code').innerText());
  await people.enterCode(window, texts, code, 'sign-in-enrolment-send');
  await window.getByRole('heading', { name: texts('sign-in-recovery-title') }).waitFor();
}

function upload(linesOf) {
  return async (window, texts) => {
    await uploadLines(window, texts, linesOf());
  };
}

async function uploadTwice(window, texts) {
  const lines = brokenReport();
  await uploadLines(window, texts, lines);
  await uploadLines(window, texts, lines);
  await window.waitForURL(/again=1$/);
}

async function uploadLines(window, texts, lines) {
  await window.goto('/staff/reports');
  const buffer = Buffer.from(lines.join('\r\n'));
  const field = window.getByLabel(texts('report-choose'), { exact: true });
  await field.setInputFiles({ name: 'report.csv', mimeType: 'text/csv', buffer });
  await press(window, texts('report-check'));
  await window.locator('.notice').first().waitFor();
}

/** Sends the form as a browser does that does not insist on a file. */
async function uploadNothing(window, texts) {
  await window.goto('/staff/reports');
  await window.locator('form').evaluate((form) => (form.noValidate = true));
  await press(window, texts('report-check'));
  await window.locator('.notice').waitFor();
}

function createKey(needs) {
  return async (window, texts) => {
    await window.goto('/staff/keys');
    await window.getByLabel(texts('keys-label')).fill('till');
    for (const need of needs) await window.locator(`[name=need][value="${need}"]`).check();
    await press(window, texts('keys-create'));
    await window.locator('.notice').first().waitFor();
  };
}
