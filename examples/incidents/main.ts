// The command of the example: import a log, ask questions about it. `--help` says how.

import { stat } from 'node:fs/promises'
import pc from 'picocolors'
import { createRuntime, isReenactError, type Runtime } from 'reenact'
import { backlogLines, importLines, refusalLines, statusLines, storyLines } from './answers.ts'
import { backlogOf } from './backlog.ts'
import { type CliOptions, help, type Question, readCli, UsageError } from './cli-options.ts'
import { importLog } from './import-log.ts'
import { Incident } from './incident.ts'
import { startProgress } from './progress.ts'
import { anIncident, refusals, statusCounts, storyOf } from './questions.ts'
import { UnreadableFile } from './read-lines.ts'
import { count, timeText } from './table.ts'

/** Said instead of an answer, with exit code 1. */
class Failure extends Error {}

const problemsShownMax = 20

const print = (lines: readonly string[]): void => {
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function run(options: CliOptions): Promise<void> {
  const { file, question } = options
  if (file !== undefined && !(await stat(file).catch(() => undefined))?.isFile()) {
    throw new Failure(`'${file}' is no file. Give the path of a .jsonl or .jsonl.gz log.`)
  }
  const runtime = await open(options)
  try {
    if (file !== undefined) await runImport(runtime, file, options)
    if (question && !process.exitCode) await answer(runtime, question, options)
  } finally {
    await runtime.close()
  }
}

/** Who only asks opens beside the writer, and does not make a file by asking. */
async function open({ file, store }: CliOptions): Promise<Runtime> {
  if (file !== undefined || !store.startsWith('file:')) {
    return createRuntime({ store, actors: [Incident] })
  }
  const [path = ''] = store.slice('file:'.length).split('?')
  if (!(await stat(path).catch(() => undefined))) {
    throw new Failure(
      `There are no incidents in '${path}' yet. Import a log: npm run incidents -- FILE`,
    )
  }
  return createRuntime({ store: `file:${path}?mode=ro`, actors: [Incident] })
}

async function runImport(runtime: Runtime, file: string, options: CliOptions): Promise<void> {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  // Once: a second Ctrl-C ends the process at once, which is as safe.
  process.once('SIGINT', stop)
  const progress = startProgress()
  const startedMs = performance.now()
  let [from, problems] = [0, 0]
  try {
    const report = await importLog(runtime, file, {
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      signal: stopping.signal,
      onContinue: (lastLine) => {
        from = lastLine
        progress.say(`continuing at line ${count(lastLine + 1)}`)
      },
      onLine: (line, outcome) => {
        progress.update(line.progress, line.number)
        if (outcome.kind !== 'invalid') return
        problems += 1
        if (problems > problemsShownMax) return
        progress.say(pc.yellow(`line ${line.number}: ${outcome.problem}`))
        if (problems === problemsShownMax) progress.say('further invalid lines are only counted')
      },
    })
    progress.stop()
    if (report.complete && report.lastLine === from) {
      print([`All ${count(from)} lines of ${file} were imported before.`])
    } else print(importLines(report, (performance.now() - startedMs) / 1000))
    if (!report.complete)
      print(['', `Stopped after line ${count(report.lastLine)}.${goesOn(options)}`])
    if (stopping.signal.aborted) process.exitCode = 130
    else if (!options.question) print(await suggestions(runtime, options))
  } catch (error) {
    progress.say(
      error instanceof UnreadableFile
        ? 'What comes before is imported.'
        : `The import stopped.${goesOn(options)}`,
    )
    throw error
  } finally {
    progress.stop()
    process.removeListener('SIGINT', stop)
  }
}

const goesOn = ({ store }: CliOptions): string =>
  store === 'memory:' ? '' : ' The same command goes on from there.'

async function suggestions(runtime: Runtime, { store }: CliOptions): Promise<readonly string[]> {
  const found = await anIncident(runtime)
  if (!found || store === 'memory:') return []
  const command = `npm run incidents --${store === 'file:incidents.db' ? '' : ` --store ${store}`}`
  const at = `--at ${timeText(found.time)}`
  return [
    '',
    'Try next:',
    `  ${command} --incident ${found.id} ${at}`,
    `  ${command} --status ${at}`,
    `  ${command} --backlog ${at}`,
    `  ${command} --rejections`,
  ]
}

async function answer(runtime: Runtime, question: Question, { limit }: CliOptions): Promise<void> {
  const startedMs = performance.now()
  const lines = await answerLines(runtime, question, limit)
  const tookMs = performance.now() - startedMs
  print([...lines, '', pc.dim(`answered in ${tookMs.toFixed(1)} ms`)])
}

async function answerLines(
  runtime: Runtime,
  question: Question,
  limit?: number,
): Promise<readonly string[]> {
  if (question.kind === 'rejections') return refusalLines(await refusals(runtime, limit ?? 3))
  const at = question.at ?? new Date()
  if (question.kind === 'backlog') {
    const progress = startProgress('events')
    const teams = await backlogOf(runtime, question.at, progress.update).finally(progress.stop)
    return backlogLines(teams, at, limit ?? 20)
  }
  if (question.kind === 'status') {
    const counts = await statusCounts(runtime, at)
    if (counts.total === 0) throw new Failure(`There were no incidents at ${timeText(at)}.`)
    return statusLines(counts, at)
  }
  const story = await storyOf(runtime, question.id, question.at)
  if (!story.known) throw new Failure(`There is no incident '${question.id}' in this store.`)
  if (story.timeline.length === 0) {
    throw new Failure(`Incident '${question.id}' did not exist yet at ${timeText(at)}.`)
  }
  return storyLines(question.id, story, at)
}

function report(error: unknown): void {
  const usage = error instanceof UsageError
  const told =
    usage || error instanceof Failure || error instanceof UnreadableFile || isReenactError(error)
  process.stderr.write(`${told ? error.message : String(error)}\n`)
  if (usage) process.stderr.write('See npm run incidents -- --help\n')
  process.exitCode = usage ? 2 : 1
}

// `| head` closes the pipe early, which is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  const options = readCli(process.argv.slice(2))
  if (options === 'help') print([help])
  else await run(options)
} catch (error) {
  report(error)
}
