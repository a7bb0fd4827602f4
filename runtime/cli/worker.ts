// `reenact worker`: handles posted commands and runs processes and reactions, until a signal stops it.

import type { Command } from 'commander'
import { loadRuntime, runtimeExport, takesApp } from './app.ts'
import { wholeNumber } from './arguments.ts'
import { count, counted, print } from './output.ts'
import { aborted, untilSignal } from './signals.ts'

interface WorkerOptions {
  readonly group: string
  readonly concurrency: number
  readonly processes: boolean
}

export function define(command: Command): void {
  takesApp(command, runtimeExport)
    .description(
      'Handles the commands that were posted to the actors of a runtime, and runs its processes, reactions and schedules. Workers of one group share the commands; of a kind of process or reaction one works and the others wait to take over. Any of them may end at any time. SIGTERM or Ctrl+C stops it after what it has begun, a second one at once.',
    )
    .option('--group <name>', 'workers of one group share the work', 'reenact')
    .option(
      '--concurrency <n>',
      'actors, and steps of each kind of process, at the same time',
      wholeNumber(1),
      256,
    )
    .option('--no-processes', 'commands alone: no processes, reactions and schedules')
    .action(work)
}

async function work(
  app: string,
  { group, concurrency, processes: runsProcesses }: WorkerOptions,
  command: Command,
): Promise<void> {
  const runtime = await loadRuntime(app, command)
  const ending = untilSignal()
  try {
    const worker = runtime.work({ group, concurrency })
    print([`Handling the commands of group '${group}' in ${runtime.store.name}`])
    const processWork = runsProcesses ? runtime.processes.work({ concurrency }) : undefined
    const kinds = runtime.processes.kinds.filter(({ name }) => !name.startsWith('reenact_'))
    if (processWork && kinds.length > 0) {
      print([`Running the processes ${kinds.map(({ name }) => name).join(', ')}`])
    }
    await aborted(ending)
    await Promise.all([worker.stop(), processWork?.stop()])
    const { handled, parked } = worker.metrics()
    print([`Stopped: ${counted(handled, 'command')} handled, ${count(parked)} parked`])
    if (processWork) {
      for (const kind of kinds) {
        const { completed, ended } = processWork.metrics(kind)
        print([`${kind.name}: ${counted(completed, 'step')} completed, ${count(ended)} ended`])
      }
    }
  } finally {
    await runtime.close()
  }
  // Whatever else the module has opened does not keep it.
  process.exit()
}
