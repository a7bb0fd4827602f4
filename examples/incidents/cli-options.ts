// The command line: what was asked for, or one sentence about what is wrong with it.

import { parseArgs } from 'node:util'

/** A question to the log. */
export type Question =
  | { readonly kind: 'incident'; readonly id: string; readonly at: Date | undefined }
  | { readonly kind: 'status'; readonly at: Date | undefined }
  | { readonly kind: 'backlog'; readonly at: Date | undefined }
  | { readonly kind: 'rejections' }

/** What is to be done. */
export interface CliOptions {
  /** Import this log first. */
  readonly file: string | undefined
  readonly store: string
  readonly limit: number | undefined
  readonly question: Question | undefined
}

/** The user asked for something we cannot understand. */
export class UsageError extends Error {}

export const help = `Incidents of an IT service desk, imported from its log and looked at as they were at any time.

  npm run incidents -- FILE                     import a .jsonl or .jsonl.gz log
  npm run incidents -- --incident ID            one incident: what is known of it, and its timeline
  npm run incidents -- --status                 how many incidents are in which status
  npm run incidents -- --backlog                open incidents by team and week, from a read model
  npm run incidents -- --rejections             which commands were refused and why

  --at TIME        answer as of then, such as 2012-05-01T00:00:00Z (for --incident, --status, --backlog)
  --limit N        import N lines now; with --rejections, N examples of each reason (3); with --backlog, N teams (20)
  --store STORE    where the events are: file:PATH, memory: or esdb://… (file:incidents.db)
  --help           this text

An import that was interrupted goes on where it stopped. Without a terminal, or with NO_COLOR set, the output
is plain.`

/** Reads the command line; `help` when that is what was asked for. Throws {@link UsageError}. */
export function readCli(args: readonly string[]): CliOptions | 'help' {
  const { values, positionals } = parse(args)
  if (values.help || args.length === 0) return 'help'
  const [file, another] = positionals
  if (another !== undefined)
    throw new UsageError(`One file at a time: '${another}' is a second one.`)
  const at = values.at === undefined ? undefined : readTime(values.at)
  const question = readQuestion(values, at)
  if (file === undefined && !question) {
    throw new UsageError(
      'Name a file to import, or ask with --incident, --status, --backlog or --rejections.',
    )
  }
  if (at && (!question || question.kind === 'rejections')) {
    throw new UsageError('--at belongs to --incident, --status or --backlog.')
  }
  if (
    values.limit &&
    file === undefined &&
    question?.kind !== 'rejections' &&
    question?.kind !== 'backlog'
  ) {
    throw new UsageError('--limit belongs to an import, --rejections or --backlog.')
  }
  return {
    file,
    store: values.store ?? 'file:incidents.db',
    limit: values.limit === undefined ? undefined : readCount(values.limit),
    question,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        incident: { type: 'string' },
        status: { type: 'boolean' },
        backlog: { type: 'boolean' },
        rejections: { type: 'boolean' },
        at: { type: 'string' },
        limit: { type: 'string' },
        store: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    const [sentence] = String((error as Error).message)
      // Where another option follows: Node asks back instead.
      .replace(/^Option '(\S+)' argument is ambiguous/, "Option '$1' needs a value")
      .split(/\. |\n/)
    throw new UsageError(`${sentence?.replace(/\.$/, '')}.`)
  }
}

function readQuestion(
  values: { incident?: string; status?: boolean; backlog?: boolean; rejections?: boolean },
  at: Date | undefined,
): Question | undefined {
  const questions: Question[] = []
  if (values.incident !== undefined) questions.push({ kind: 'incident', id: values.incident, at })
  if (values.status) questions.push({ kind: 'status', at })
  if (values.backlog) questions.push({ kind: 'backlog', at })
  if (values.rejections) questions.push({ kind: 'rejections' })
  if (questions.length > 1) {
    throw new UsageError('One question at a time: --incident, --status, --backlog or --rejections.')
  }
  return questions[0]
}

/** A day, or a time with its zone: without a zone the answer would depend on whose computer it is. */
const timeShape = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/

function readTime(text: string): Date {
  const time = new Date(text)
  if (timeShape.test(text) && !Number.isNaN(time.getTime())) return time
  throw new UsageError(`--at '${text}' is not a time. Write it like 2012-05-01T00:00:00Z.`)
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`--limit '${text}' is not a whole number above 0.`)
}
