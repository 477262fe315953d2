// The program under test: the demo on a free port, in a folder of its own.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = new URL('../../', import.meta.url);
const program = fileURLToPath(new URL(process.env.DAIFUKU_PROGRAM ?? 'target/debug/daifuku', root));

// Cheap passwords, and no throttle: everybody here signs in from one address.
const settings = [
  'passwords.memory_kib=8',
  'passwords.passes=1',
  'sign_in.account_attempts=1000',
  'sign_in.address_attempts=100000',
].flatMap((setting) => ['--set', setting]);

// The program takes variables with this prefix for settings of its own.
const env = { ...process.env };
delete env.DAIFUKU_PROGRAM;

const READY_MS = 60_000;
const STOP_MS = 10_000;

/** Starts the program and waits until it serves. */
export async function startProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'daifuku-browser-'));
  const port = await freePort();
  const words = [...settings, 'demo', '--port', `${port}`, '--folder', join(folder, 'demo')];
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let ended = false;
  // There may be no program at all, which is an `error` instead of an `exit`.
  const end = once(child, 'exit').then(
    () => (ended = true),
    () => (ended = true),
  );
  // Its last words, for the report of a start that failed.
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => (said = `${said}${bytes}`.slice(-4_000)));
  }
  // Whatever ends the tests ends the program.
  const clear = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', clear);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

  async function stop() {
    child.kill('SIGINT');
    await Promise.race([end, pause(STOP_MS, null, { ref: false })]);
    child.kill('SIGKILL');
    await end;
    process.off('exit', clear);
    clear();
  }

  for (const late = Date.now() + READY_MS; !(await serves(port)); await pause(100)) {
    if (!ended && Date.now() < late) continue;
    await stop();
    assert.fail(`${program} does not serve\n${said}`);
  }
  return {
    // By the name that the demo's own links use.
    address: `http://localhost:${port}`,
    addStaff: (mail, role) => addStaff(join(folder, 'demo'), mail, role),
    stop,
  };
}

async function serves(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  return answer?.ok;
}

/** Lets somebody of the staff in, as an operator does, and gives the password that is told. */
async function addStaff(folder, mail, role) {
  const words = [...settings, '--set', `folder=${folder}`, 'staff', 'add', '--role', role, mail];
  const { stdout } = await promisify(execFile)(program, words, { env });
  return stdout.match(/password (\S+)/)[1];
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
