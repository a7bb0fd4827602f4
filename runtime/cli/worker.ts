// `reenact worker`: handles posted commands, until a signal stops it.

import type { Command } from 'commander'
import { loadRuntime, runtimeExport, takesApp } from './app.ts'
import { wholeNumber } from './arguments.ts'
import { count, counted, print } from './output.ts'
import { aborted, untilSignal } from './signals.ts'

interface WorkerOptions {
  readonly group: string
  readonly concurrency: number
}

export function define(command: Command): void {
  takesApp(command, runtimeExport)
    .description(
      'Handles the commands that were posted to the actors of a runtime. Workers of one group share the work; any of them may end at any time. SIGTERM or Ctrl+C stops it after what it has begun, a second one at once.',
    )
    .option('--group <name>', 'workers of one group share the work', 'reenact')
    .option('--concurrency <n>', 'actors handled at the same time', wholeNumber(1), 256)
    .action(work)
}

async function work(app: string, options: WorkerOptions, command: Command): Promise<void> {
  const runtime = await loadRuntime(app, command)
  const ending = untilSignal()
  try {
    const worker = runtime.work(options)
    print([`Handling the commands of group '${options.group}' in ${runtime.store.name}`])
    await aborted(ending)
    await worker.stop()
    const { handled, parked } = worker.metrics()
    print([`Stopped: ${counted(handled, 'command')} handled, ${count(parked)} parked`])
  } finally {
    await runtime.close()
  }
  // Whatever else the module has opened does not keep it.
  process.exit()
}
