// `reenact processes`: which processes there are and which need somebody, and what somebody does about them.

import { userInfo } from 'node:os'
import type { Command } from 'commander'
import type { Runtime } from '../host/create-runtime.ts'
import { loadRuntime, runtimeExport, takesApp } from './app.ts'
import { print, say, Table, timeText } from './output.ts'

type Kind = Runtime['processes']['kinds'][number]
type Wanted = 'open' | 'all' | 'running' | 'paused' | 'parked' | 'cancelling' | 'done' | 'cancelled'

interface ListOptions {
  readonly kind?: string
  readonly status: Wanted
  readonly json?: true
}

interface ActOptions {
  readonly by: string
  readonly reason: string
  readonly step?: string
  readonly output?: unknown
}

const statuses = ['open', 'all', 'running', 'paused', 'parked', 'cancelling', 'done', 'cancelled']

const acts = {
  retry: 'Tries the step that is parked, stuck or waiting again, with all its attempts.',
  resume: 'Lets a paused or parked process go on, with what came meanwhile.',
  skip: 'Goes on as if the step had succeeded with the output, or the undo had been done.',
  pause: 'Holds a process: no step begins and no timer fires.',
  cancel: 'Ends a process and undoes what it did; with --step, ends that step alone.',
} as const

export function define(command: Command): void {
  command.description(
    'Shows the processes of a runtime, and acts on them beside or without a worker.',
  )
  takesApp(command.command('parked'), runtimeExport)
    .description('Shows the processes that do not go on by themselves, and why.')
    .option('--json', 'JSON Lines: one process a line')
    .action(parked)
  takesApp(command.command('list'), runtimeExport)
    .description(
      'Shows processes by kind and id: those that have not ended, unless the status says otherwise.',
    )
    .option('--kind <name>', 'only of this kind')
    .addOption(command.createOption('--status <status>', 'which').choices(statuses).default('open'))
    .option('--json', 'JSON Lines: one process a line')
    .action(list)
  for (const [name, does] of Object.entries(acts)) {
    const act = takesApp(command.command(name), runtimeExport)
      .argument('<kind>', 'name of the process manager, such as order_process')
      .argument('<id>', 'id of the process')
      .description(`${does} It is an event of the process, with who and why.`)
      .requiredOption('--reason <text>', 'why')
      .option('--by <name>', 'who', userInfo().username)
    if (name === 'retry' || name === 'skip' || name === 'cancel')
      act.option('--step <key>', 'which step, as list --json names it')
    if (name === 'skip') act.option('--output <json>', 'what the step would have given', parsed)
    act.action((app: string, kind: string, id: string, options: ActOptions, self: Command) =>
      withRuntime(app, self, async ({ processes }) => {
        const process = kindOf(processes.kinds, kind, self)
        await processes[name as keyof typeof acts](process, id, options)
        print([`${name}: ${kind} ${id}`])
      }),
    )
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`--output is not JSON: ${text}`)
  }
}

async function withRuntime(
  app: string,
  command: Command,
  work: (runtime: Runtime) => Promise<void>,
): Promise<void> {
  const runtime = await loadRuntime(app, command)
  try {
    await work(runtime)
  } finally {
    await runtime.close()
  }
  // Whatever else the module has opened does not keep it.
  process.exit()
}

function kindOf(kinds: readonly Kind[], wanted: string, command: Command): Kind {
  const found = kinds.find(({ name }) => name === wanted)
  if (found) return found
  const names = kinds.map(({ name }) => name).join(', ')
  return command.error(`There is no kind of process '${wanted}': there are ${names}`)
}

const parked = (app: string, { json }: { readonly json?: true }, command: Command): Promise<void> =>
  withRuntime(app, command, async ({ processes }) => {
    const columns = ['process', 'id', 'since', 'why', 'step', 'error'].map((title) => ({ title }))
    const rows: (readonly string[])[] = []
    for await (const one of processes.parked()) {
      const { process, id, why, step, error, since } = one
      if (json) print([JSON.stringify({ ...one, process: process.name })])
      else {
        const time = since === undefined ? '' : timeText(since)
        rows.push([process.name, id, time, why, step ?? '', error.message])
      }
    }
    if (json) return
    if (rows.length > 0) print(new Table(columns).lines(rows))
    say(
      rows.length === 0
        ? 'No process is parked'
        : 'reenact processes retry, resume, skip or cancel lets one go on',
    )
  })

const list = (app: string, options: ListOptions, command: Command): Promise<void> =>
  withRuntime(app, command, async ({ processes }) => {
    const { kind, status, json } = options
    const kinds = kind === undefined ? processes.kinds : [kindOf(processes.kinds, kind, command)]
    const columns = ['process', 'id', 'status', 'state', 'last', 'steps'].map((title) => ({
      title,
    }))
    const rows: (readonly string[])[] = []
    for (const process of kinds) {
      for await (const info of processes.list(process, { status })) {
        if (json) print([JSON.stringify({ process: process.name, ...info })])
        else {
          const steps = info.steps.map(({ name }) => name).join(', ')
          const state = typeof info.value === 'string' ? info.value : JSON.stringify(info.value)
          const { id, lastAt, stuck } = info
          const status = stuck ? `${info.status}, stuck` : info.status
          rows.push([process.name, id, status, state ?? '', timeText(lastAt), steps])
        }
      }
    }
    if (json) return
    if (rows.length > 0) print(new Table(columns).lines(rows))
    else say('There is no such process')
  })
