// `reenact worker` and `reenact projections` as real processes on real files, with modules as users write them.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createRuntime, documents, projection, type Runtime } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const built = (path: string): string => new URL(`../../../dist/${path}`, import.meta.url).href
const main = fileURLToPath(built('runtime/cli/main.js'))

const imports = `
import { createRuntime, documents, projection } from '${built('runtime/index.js')}'
import { Account } from '${built('test/fixtures/account.js')}'
`
/** Deposits of each account. The text is that of the modules below. */
const viewText = `projection('deposits', {
  from: Account,
  view: documents(),
  on: {
    Deposited: async (event, view, { actorId }) => {
      if (event.amount === 13) throw new Error('bad luck')
      await view.patch(actorId, (row) => ({ sum: (row?.sum ?? 0) + event.amount }))
    },
  },
})`

interface Running {
  readonly child: ChildProcess
  /** Standard output and error so far. */
  readonly said: { out: string; err: string }
  /** Resolves when standard output holds the text. */
  hears(text: string): Promise<void>
  readonly ended: Promise<{ readonly code: number | null }>
}

describe('reenact worker and projections', function () {
  this.timeout(60_000)
  const folder = temporaryFolder()
  before(() => {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  })
  const children: ChildProcess[] = []
  after(() => {
    for (const child of children) child.kill('SIGKILL')
  })

  let modules = 0
  /** Writes a module, and names its store. */
  const moduleOf = (text: (store: string) => string, ending = 'mjs') => {
    modules += 1
    const store = `file:${join(folder, `store-${modules}.db`)}`
    const app = join(folder, `app-${modules}.${ending}`)
    writeFileSync(app, imports + text(store))
    return { app, store }
  }
  const options = (store: string): string => `{ store: '${store}', actors: [Account] }`
  const worker = (store: string): string => `export default createRuntime(${options(store)})`

  const start = (args: readonly string[], node: readonly string[] = []): Running => {
    const child = spawn(process.execPath, [...node, main, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    const said = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said.err += text
    })
    const ended = once(child, 'close').then(([code]) => ({ code }))
    const hears = async (text: string): Promise<void> => {
      while (!said.out.includes(text)) {
        const ending = await Promise.race([once(child.stdout, 'data'), ended])
        if ('code' in ending && !said.out.includes(text)) throw new Error(said.err)
      }
    }
    return { child, said, hears, ended }
  }
  const within = async <Result>(
    store: string,
    body: (runtime: Runtime) => Promise<Result>,
  ): Promise<Result> => {
    const runtime = await createRuntime({ store, actors: [Account] })
    try {
      return await body(runtime)
    } finally {
      await runtime.close()
    }
  }

  /** Posts what opens an account and fills it, and what it refuses. */
  const post = (store: string) =>
    within(store, (runtime) =>
      runtime.postMany(Account, [
        { id: 'ann', command: { type: 'open', owner: 'Ann' }, options: { commandId: 'c1' } },
        {
          id: 'ann',
          command: { type: 'deposit', amount: 50 },
          options: { commandId: 'c2' },
        },
        { id: 'ann', command: { type: 'close' }, options: { commandId: 'c3' } },
      ]),
    )
  /** Waits beside the worker for what became of the last of them. */
  const outcome = (store: string) =>
    within(`${store}?mode=ro`, (runtime) =>
      runtime.outcome(Account, 'ann', 'c3', { timeoutMs: 30_000 }),
    )

  describe('worker', () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`handles what was posted until ${signal}, and says how much`, async () => {
        const { app, store } = moduleOf(worker)
        await post(store)
        const { child, said, ended } = start(['worker', app, '--group', 'bank'])
        expect((await outcome(store)).accepted).to.equal(false)
        child.kill(signal)
        expect([await ended, said.err]).to.deep.equal([{ code: 0 }, ''])
        expect(said.out.split('\n')).to.deep.equal([
          `Handling the commands of group 'bank' in ${store}`,
          'Stopped: 3 commands handled, 0 parked',
          '',
        ])
        const { context } = await within(store, (runtime) => runtime.actor(Account, 'ann').state())
        expect(context.balance).to.equal(50)
      })
    }

    for (const [what, text] of [
      ['a function', (store: string) => `export default () => createRuntime(${options(store)})`],
      [
        "a runtime named 'runtime', beside what else it holds",
        (store: string) => `export const runtime = await createRuntime(${options(store)})
          setInterval(() => {}, 1_000)`,
      ],
    ] as const) {
      it(`takes ${what}`, async () => {
        const { app, store } = moduleOf(text)
        await post(store)
        const { child, ended } = start(['worker', app])
        await outcome(store)
        child.kill('SIGTERM')
        expect(await ended).to.deep.equal({ code: 0 })
      })
    }

    it('runs processes and reactions, whose parked ones other commands show and act on', async () => {
      const { app, store } = moduleOf(
        (
          store,
        ) => `import { activity, processManager, reaction } from '${built('runtime/index.js')}'
          import { setup } from 'xstate'
          const greet = activity(() => Promise.reject(new Error('no such mailbox')), { retry: { delayMs: () => null } })
          const machine = setup({ actors: { greet } }).createMachine({
            initial: 'greeting',
            states: { greeting: { invoke: { src: 'greet', onDone: 'greeted' } }, greeted: { type: 'final' } },
          })
          const Greeting = processManager('greeting', machine, { on: [{ event: 'account.Opened', starts: true }] })
          const Gift = reaction('gift', { from: Account, on: 'Opened', to: Account,
            send: (_, { actorId }) => ({ id: actorId, command: { type: 'deposit', amount: 1 } }) })
          export const runtime = () => createRuntime({ store: '${store}', actors: [Account], processes: [Greeting], reactions: [Gift] })`,
      )
      const deposited = async () => {
        const log = await createRuntime({ store: `${store}?mode=ro`, actors: [Account] })
        try {
          const { events } = await log.store.readAll()
          const types = events.map(({ type }) => type)
          return types.includes('Deposited') && types.includes('reenact.ProcessParked')
        } finally {
          await log.close()
        }
      }
      await within(store, (runtime) =>
        runtime.post(Account, 'ann', { type: 'open', owner: 'Ann' }, { commandId: 'o' }),
      )
      const first = start(['worker', app])
      await first.hears('Running the processes greeting\n')
      while (!(await deposited())) await new Promise((resolve) => setTimeout(resolve, 20))
      first.child.kill('SIGTERM')
      expect(await first.ended).to.deep.equal({ code: 0 })
      expect(first.said.out).to.include('Stopped: 2 commands handled, 0 parked\ngreeting: 0 steps')
      const ask = async (...args: readonly string[]) => {
        const { ended, said } = start(['processes', ...args])
        return { ...(await ended), ...said }
      }
      const parked = await ask('parked', app)
      expect([parked.code, parked.out.split('\n').length]).to.deep.equal([0, 3])
      expect(parked.out).to.match(/\ngreeting +ann +\S+Z +step +\S+ +no such mailbox\n/)
      const [line = ''] = (await ask('parked', app, '--json')).out.split('\n')
      expect(JSON.parse(line)).to.include({ process: 'greeting', id: 'ann', why: 'step' })
      const unknown = await ask('retry', app, 'greetings', 'ann', '--reason', 'x')
      expect(unknown.err).to.match(/no kind of process 'greetings': there are greeting/)
      const retry = ['retry', app, 'greeting', 'ann', '--by', 'ann', '--reason', 'it is there']
      const retried = await ask(...retry)
      expect(retried).to.deep.equal({ code: 0, out: 'retry: greeting ann\n', err: '' })
      const listed = await ask('list', app, '--kind', 'greeting')
      expect(listed.out).to.match(/\ngreeting +ann +running +greeting +\S+Z +greet\n/)
    })

    it('lets --step say which of several steps of a process is meant', async () => {
      const { app } = moduleOf(
        (store) => `import { activity, processManager } from '${built('runtime/index.js')}'
          import { setup } from 'xstate'
          const call = activity(() => 'nobody runs it')
          const machine = setup({ actors: { call, write: call } }).createMachine({
            type: 'parallel',
            states: { a: { invoke: { src: 'call' } }, b: { invoke: { src: 'write', onError: {} } } },
          })
          export const Asking = processManager('asking', machine, { on: [] })
          export const runtime = () => createRuntime({ store: '${store}', actors: [Account], processes: [Asking] })`,
      )
      const module = await import(app)
      const within = async (work: (runtime: Runtime) => Promise<unknown>) => {
        const runtime: Runtime = await module.runtime()
        try {
          await work(runtime)
        } finally {
          await runtime.close()
        }
      }
      const who = { by: 'bob', reason: 'tired' }
      const keys = new Map<string, string>()
      await within(async ({ processes }) => {
        await processes.start(module.Asking, 'ann', { type: 'asked' })
        const unsaid = await processes.skip(module.Asking, 'ann', who).catch((error) => error)
        expect(String(unsaid)).to.include("say which 'step'")
        const { steps } = await processes.show(module.Asking, 'ann')
        for (const { name, step } of steps) keys.set(name, step)
      })
      const [call = '', write = ''] = ['call', 'write'].map((name) => keys.get(name))
      const ask = async (what: string, ...args: readonly string[]) => {
        const { ended, said } = start(['processes', what, app, ...args])
        return { ...(await ended), ...said }
      }
      const act = ['asking', 'ann', '--by', 'bob', '--reason', 'tired']
      const skipped = await ask('skip', ...act, '--step', call, '--output', '{"told":1}')
      expect(skipped).to.deep.equal({ code: 0, out: 'skip: asking ann\n', err: '' })
      expect((await ask('cancel', ...act, '--step', write)).out).to.equal('cancel: asking ann\n')
      await within(async ({ store }) => {
        const { events } = await store.readStream('asking-ann')
        expect(events.slice(-2).map(({ type, data }) => [type, JSON.parse(data)])).to.deep.equal([
          ['reenact.StepSkipped', { step: call, output: { told: 1 }, ...who }],
          ['reenact.StepCancelled', { step: write, ...who }],
        ])
      })
    })

    it('ends at once at the second signal', async () => {
      const { app } = moduleOf(
        (store) => `const runtime = await createRuntime(${options(store)})
          const close = () => new Promise(() => setInterval(() => console.log('closing'), 50))
          export default { ...runtime, close }`,
      )
      const { child, said, hears, ended } = start(['worker', app])
      await hears('Handling')
      child.kill('SIGTERM')
      await hears('closing')
      const again = setInterval(() => child.kill('SIGTERM'), 50)
      expect(await ended).to.deep.equal({ code: 143 })
      clearInterval(again)
      expect(said.out).to.include('Stopped: 0 commands handled')
    })

    it('takes TypeScript where the process loads it, and else says how', async () => {
      const { app, store } = moduleOf((store) => `${worker(store)} as Promise<unknown>`, 'ts')
      await post(store)
      const { child, ended } = start(['worker', app], ['--import', 'tsx'])
      await outcome(store)
      child.kill('SIGTERM')
      expect(await ended).to.deep.equal({ code: 0 })
      const strip = '--experimental-strip-types'
      const plain = process.allowedNodeEnvironmentFlags.has(strip)
        ? [strip.replace('--', '--no-')]
        : []
      const refused = start(['worker', app], plain)
      expect(await refused.ended).to.deep.equal({ code: 2 })
      expect(refused.said.err).to.match(/cannot load TypeScript.*: run node --import tsx .* worker/)
    })

    for (const [what, text, message] of [
      ['exports nothing', () => '', /'.*' gives no runtime: let its default export/],
      ['exports something else', () => 'export default { work: 1 }', /gives no runtime/],
      ['gives nothing', () => 'export default () => undefined', /gives no runtime/],
    ] as const) {
      it(`a module that ${what} is told in one sentence, with exit code 2`, async () => {
        const { app } = moduleOf(text)
        const { said, ended } = start(['worker', app])
        expect([await ended, said.out]).to.deep.equal([{ code: 2 }, ''])
        expect(said.err).to.match(message)
        expect(said.err.split('\n')).to.have.length(3)
        expect(said.err).to.match(/\nSee reenact worker --help\n$/)
      })
    }
    it('a module that is not there too', async () => {
      const { said, ended } = start(['worker', join(folder, 'missing.mjs')])
      expect(await ended).to.deep.equal({ code: 2 })
      expect(said.err).to.match(/^There is no module '.*missing\.mjs'\.\n/)
    })

    it('an error of the module is told as it is, with exit code 1', async () => {
      const { app, store } = moduleOf(worker)
      const owner = await createRuntime({ store, actors: [Account] })
      const locked = start(['worker', app])
      expect(await locked.ended).to.deep.equal({ code: 1 })
      await owner.close()
      expect(locked.said.err).to.match(/^'.*' is [^\n]*\n$/)
      const broken = start(['worker', moduleOf(() => "throw new Error('broken')").app])
      expect(await broken.ended).to.deep.equal({ code: 1 })
      expect(broken.said.err).to.match(/Error: broken\n +at /)
    })
  })

  describe('projections', () => {
    const projecting = (store: string): string => `
      export const runtime = () => createRuntime(${options(store)})
      export const projections = [${viewText}]`
    const deposit = (store: string, amounts: readonly number[]) =>
      within(store, async (runtime) => {
        const ann = runtime.actor(Account, 'ann')
        await ann.send({ type: 'open', owner: 'Ann' }, { commandId: 'opened' })
        for (const amount of amounts) await ann.send({ type: 'deposit', amount })
      })
    const Deposits = projection('deposits', {
      from: Account,
      view: documents<{ sum: number }>(),
      on: { Deposited: () => {} },
    })

    it('run: makes the read model until SIGTERM, goes on where it was; status says how far', async () => {
      const { app, store } = moduleOf(projecting)
      let sum = 0
      for (const amounts of [[1, 2, 3], [4]]) {
        await deposit(store, amounts)
        for (const amount of amounts) sum += amount
        const before = start(['projections', 'status', app])
        expect(await before.ended).to.deep.equal({ code: 0 })
        const { child, said, ended } = start(['projections', 'run', app])
        await within(`${store}?mode=ro`, async (runtime) => {
          const { head } = await endOf(runtime)
          const view = runtime.view(Deposits)
          // There is none before the first worker has begun.
          for (let made = false; !made; ) {
            made = await view.waitFor(head, { timeoutMs: 30_000 }).then(
              () => true,
              async () => false,
            )
          }
          expect(await view.get('ann')).to.deep.equal({ sum })
        })
        child.kill('SIGTERM')
        expect([await ended, said.err]).to.deep.equal([{ code: 0 }, ''])
        const [first, last] = said.out.split('\n')
        expect(first).to.equal(`Projecting deposits from ${store}`)
        expect(last).to.match(/^Stopped: deposits at position \d+, \d+ further$/)
        expect(before.said.out).to.match(sum === 6 ? /^deposits$/m : /^deposits +1 +4 +1 +0$/m)
        const after = start(['projections', 'status', app])
        await after.ended
        expect(after.said.out).to.match(/^deposits +1 +\d+ +0 +0$/m)
      }
    })

    it('run: says what stopped, and ends with exit code 1 when no projection can go on', async () => {
      const { app, store } = moduleOf(projecting)
      await deposit(store, [13])
      const { said, ended } = start(['projections', 'run', app])
      expect(await ended).to.deep.equal({ code: 1 })
      expect(said.err).to.match(/^Projection 'deposits' stopped\. .*bad luck.*\n$/)
      expect(said.out).to.match(/^Stopped: deposits at position \d+, /m)
    })

    it('run --poison park: puts an event aside, parked shows it, redrive tries it again', async () => {
      const { app, store } = moduleOf((log) => projecting(`${log}?mode=ro`))
      await deposit(store, [1, 13, 2])
      /** Runs the command until so many events are put aside by the live build of this number. */
      const run = async (option: readonly string[], id: number, aside: number) => {
        const { child, ended } = start(['projections', 'run', app, ...option])
        await within(`${store}?mode=ro`, async ({ projections, view }) => {
          const isThere = async () => {
            const live = (await projections.builds(Deposits)).find(({ state }) => state === 'live')
            if (live?.id !== id || (await view(Deposits).position()) < 4) return false
            return (await projections.deadLetters(Deposits)).length === aside
          }
          while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 20))
        })
        child.kill('SIGTERM')
        expect(await ended).to.deep.equal({ code: 0 })
      }
      const answer = async (what: string) => {
        const { said, ended } = start(['projections', what, app])
        return { ...(await ended), ...said }
      }
      await run(['--poison', 'park'], 1, 1)
      const parked = await answer('parked')
      expect(parked.out).to.match(/^deposits +3 +account-ann@2 +Deposited .* Error: bad luck$/m)
      expect(parked.err).to.include('redrive')
      const again = await answer('redrive')
      expect([again.code, again.out]).to.deep.equal([1, ''])
      expect(again.err).to.include("'Deposited' of account-ann@2: bad luck.")
      // Handlers that can, but whose version is the same.
      writeFileSync(app, imports + projecting(`${store}?mode=ro`).replace('=== 13', '=== 14'))
      expect((await answer('status')).err).to.match(/made by other handlers.*run --rebuild/)
      await run(['--rebuild'], 2, 0)
    })

    it('run --rebuild: builds a newer version beside the live one', async () => {
      const { app, store } = moduleOf(projecting)
      await deposit(store, [1])
      const stop = async (args: readonly string[], sum: number) => {
        const { child, ended } = start(args)
        await within(`${store}?mode=ro`, async (runtime) => {
          const view = runtime.view(Deposits)
          for (;;) {
            const row = await view.get('ann').catch(() => undefined)
            if (row?.sum === sum) break
            await new Promise((resolve) => setTimeout(resolve, 10))
          }
        })
        child.kill('SIGTERM')
        expect(await ended).to.deep.equal({ code: 0 })
      }
      await stop(['projections', 'run', app], 1)
      const newer = projecting(store)
        .replace('from:', 'version: 2, from:')
        .replace('+ event.amount', '+ 2 * event.amount')
      writeFileSync(app, imports + newer)
      const refused = start(['projections', 'run', app])
      expect(await refused.ended).to.deep.equal({ code: 1 })
      expect(refused.said.err).to.match(/Rebuild it/)
      await stop(['projections', 'run', app, '--rebuild'], 2)
    })

    it('a module without projections is told in one sentence, with exit code 2', async () => {
      for (const what of ['', 'export const projections = []', 'export const projections = [{}]']) {
        const { app } = moduleOf((store) => `${worker(store)}\n${what}`)
        const { said, ended } = start(['projections', 'run', app])
        expect([await ended, said.out]).to.deep.equal([{ code: 2 }, ''])
        expect(said.err).to.match(/^'.*' exports no 'projections': export an array/)
      }
    })
  })
})

async function endOf({ store }: Runtime): Promise<{ head: number }> {
  const { events } = await store.readAll({ direction: 'backwards', limit: 1 })
  return { head: events[0]?.position ?? 0 }
}
