// `reenact projections`: runs read models until a signal stops it, and says how far they are.

import type { Command } from 'commander'
import { logEnd } from '../../projections/check-log.ts'
import type {
  AnyProjection,
  Projection,
  ProjectionStatus,
  ViewHandle,
} from '../../projections/index.ts'
import { sleep, systemPorts } from '../core/clock.ts'
import { isReenactError } from '../core/errors.ts'
import type { Runtime } from '../host/create-runtime.ts'
import { loadProjections, runtimeExport, takesApp } from './app.ts'
import { count, counted, print, say, Table, timeText } from './output.ts'
import { type Progress, startProgress } from './progress.ts'
import { untilSignal } from './signals.ts'

const lookEveryMs = 500
const exportsOf = `${runtimeExport}; it also exports 'projections', an array`

export function define(command: Command): void {
  command.description('Runs the projections of a module, and says how far they are.')
  takesApp(command.command('run'), exportsOf)
    .description(
      'Catches up with the log, then follows it. Of several processes that run one projection one works, the others wait to take over. SIGTERM or Ctrl+C stops it after the batch in hand, a second one at once.',
    )
    .option('--rebuild', 'build anew, beside the live one, what an older version made, and swap')
    .addOption(
      command
        .createOption('--poison <policy>', 'what to do with an event whose handler keeps failing')
        .choices(['stop', 'park'])
        .default('stop'),
    )
    .addHelpText('after', '\nExit code: 0 it was stopped by a signal, 1 a projection cannot go on.')
    .action(run)
  takesApp(command.command('status'), exportsOf)
    .description('Shows how far each read model is, whichever process makes it.')
    .action(status)
  takesApp(command.command('parked'), exportsOf)
    .description('Shows the events that were put aside because their handler failed, and why.')
    .option('--json', 'JSON Lines: one event a line')
    .action(parked)
  takesApp(command.command('redrive'), exportsOf)
    .description(
      'Handles the events that were put aside, in their order, and tells where one fails again. Stop the process that runs the projections first.',
    )
    .action(redrive)
}

interface RunOptions {
  readonly rebuild?: true
  readonly poison: 'stop' | 'park'
}

async function run(app: string, options: RunOptions, command: Command): Promise<void> {
  const { runtime, projections } = await loadProjections(app, command)
  const ending = untilSignal()
  try {
    const { rebuild, poison } = options
    await runtime.project(projections, { poison, changed: rebuild ? 'rebuild' : 'stop' })
    const names = projections.map(({ name }) => name).join(', ')
    print([`Projecting ${names} from ${runtime.store.name}`])
    const before = await runtime.projections.status()
    // Until the swap its live read model is that of an older version, which these handlers do not work on.
    const isBeingRebuilt = ({ name, build }: ProjectionStatus): boolean =>
      options.rebuild === true &&
      projections.some((one) => one.name === name && one.version >= build.version)
    await watch(runtime, ending, isBeingRebuilt)
    await Promise.all(projections.map((projection) => runtime.projections.pause(projection)))
    const after = await runtime.projections.status()
    print([`Stopped: ${after.map((one, index) => wayOf(one, before[index])).join(', ')}`])
  } finally {
    await runtime.close()
  }
  // Whatever else the module has opened does not keep it.
  process.exit()
}

const wayOf = ({ name, position }: ProjectionStatus, before = { position: 0 }): string =>
  `${name} at position ${count(position)}, ${count(Math.max(0, position - before.position))} further`

/** Until a signal, or until no projection can go on. Says what stops, and shows the way to the end of the log. */
async function watch(
  { projections }: Runtime,
  ending: AbortSignal,
  isBeingRebuilt: (status: ProjectionStatus) => boolean,
): Promise<void> {
  const { clock, timers } = systemPorts
  const told = new Set<string>()
  // At the swap of a rebuild a worker ends and another begins: what stands twice has stopped.
  let standing: readonly string[] = []
  let progress: Progress | undefined
  try {
    while (!ending.aborted) {
      const list = await projections.status()
      const stopped = list.filter(
        (one) =>
          one.state === 'stopped' && !one.rebuilding && !hasRebuildAhead(one, isBeingRebuilt),
      )
      for (const { name, lastError } of stopped) {
        if (told.has(name) || !standing.includes(name)) continue
        told.add(name)
        process.exitCode = 1
        say(`Projection '${name}' stopped. ${lastError?.message ?? ''}`)
      }
      standing = stopped.map(({ name }) => name)
      if (told.size === list.length) return
      if (!list.some(isOnItsWay)) {
        progress?.stop()
        progress = undefined
      } else {
        const { done, total } = wayToGo(list)
        progress ??= startProgress(total, 'positions', clock)
        progress.update(Math.min(done, total))
      }
      await sleep(timers, lookEveryMs)
    }
  } finally {
    progress?.stop()
  }
}

/** The error of a rebuild that failed is another one. */
const hasRebuildAhead = (
  status: ProjectionStatus,
  isBeingRebuilt: (status: ProjectionStatus) => boolean,
): boolean => status.lastError?.code === 'ProjectionChanged' && isBeingRebuilt(status)

const isOnItsWay = ({ state, rebuilding }: ProjectionStatus): boolean =>
  state === 'catching-up' || rebuilding !== undefined

/** Positions that are passed and positions there are, of all projections together. */
function wayToGo(list: readonly ProjectionStatus[]): {
  readonly done: number
  readonly total: number
} {
  let [done, total] = [0, 0]
  for (const { position, lag, rebuilding } of list) {
    done += rebuilding?.position ?? position
    total += position + lag.events
  }
  return { done, total }
}

async function status(app: string, _options: object, command: Command): Promise<void> {
  const { runtime, projections } = await loadProjections(app, command)
  try {
    const end = await logEnd(runtime.store)
    const right = (title: string) => ({ title, alignRight: true })
    const columns = ['version', 'position', 'behind', 'put aside'].map(right)
    const rows = await Promise.all(projections.map((one) => rowOf(runtime, one, end)))
    print(new Table([{ title: 'projection' }, ...columns]).lines(rows))
    for (const one of projections) await hints(runtime, one)
    if (rows.some((row) => row.length === 1)) {
      say('A row without figures has no read model yet: reenact projections run makes it')
    }
  } finally {
    await runtime.close()
  }
  process.exit()
}

async function rowOf(
  runtime: Runtime,
  projection: AnyProjection,
  end: number,
): Promise<readonly string[]> {
  try {
    const view: ViewHandle<object> = runtime.view<object>(projection as Projection<unknown, object>)
    const position = await view.position()
    // What is not for a projection need not be passed to be up to date.
    const isBehind = await view.waitFor(end, { timeoutMs: 0 }).then(
      () => false,
      (error: unknown) => {
        if (isReenactError(error, 'NotYetProjected')) return true
        throw error
      },
    )
    const behind = isBehind ? end - position : 0
    const aside = await runtime.projections.deadLetters(projection)
    const { version = 0 } = (await liveOf(runtime, projection)) ?? {}
    return [projection.name, ...[version, position, behind, aside.length].map(count)]
  } catch (error) {
    if (isReenactError(error, 'UnknownProjection')) return [projection.name]
    throw error
  }
}

const liveOf = async ({ projections }: Runtime, projection: AnyProjection) =>
  (await projections.builds(projection)).find(({ state }) => state === 'live')

/** What to do about a read model that does not go on by itself. */
async function hints(runtime: Runtime, projection: AnyProjection): Promise<void> {
  const { name, version, fingerprint } = projection
  const live = await liveOf(runtime, projection)
  if (!live) return
  if (live.version !== version || live.fingerprint !== fingerprint) {
    const other = live.version === version ? 'other handlers' : `version ${live.version}`
    say(
      `'${name}' was made by ${other}, here is version ${version}: see reenact projections run --rebuild`,
    )
  }
}

async function parked(app: string, { json }: { json?: true }, command: Command): Promise<void> {
  const { runtime, projections } = await loadProjections(app, command)
  try {
    const columns = ['projection', 'position', 'event', 'type', 'since', 'error']
    const rows: (readonly string[])[] = []
    for (const projection of projections) {
      if (!(await liveOf(runtime, projection))) continue
      for (const letter of await runtime.projections.deadLetters(projection)) {
        const { position, stream, revision, type, parkedAt, error } = letter
        if (json) print([JSON.stringify({ projection: projection.name, ...letter })])
        const [first = ''] = error.split('\n')
        const event = `${stream}@${revision}`
        rows.push([projection.name, count(position), event, type, timeText(parkedAt), first])
      }
    }
    if (rows.length === 0) say('No event is put aside')
    if (json || rows.length === 0) return
    print(new Table(columns.map((title) => ({ title }))).lines(rows))
    say('reenact projections redrive handles them again; after a change of handlers: run --rebuild')
  } finally {
    await runtime.close()
  }
}

async function redrive(app: string, _options: object, command: Command): Promise<void> {
  const { runtime, projections } = await loadProjections(app, command)
  try {
    await runtime.project(projections, { poison: 'park' })
    await turnsOf(runtime)
    for (const projection of projections) {
      const handled = await runtime.projections.redrive(projection)
      print([`${projection.name}: ${counted(handled, 'event')} handled`])
    }
  } finally {
    await runtime.close()
  }
}

/** A worker that has just begun has its turn at once, unless another process has it. Throws what stopped one. */
async function turnsOf({ projections }: Runtime): Promise<void> {
  for (let look = 0; look < 20; look += 1) {
    const list = await projections.status()
    const stopped = list.find(({ state }) => state === 'stopped')
    if (stopped) throw stopped.lastError?.error
    if (list.every(({ state }) => state !== 'waiting')) return
    await sleep(systemPorts.timers, 100)
  }
}
