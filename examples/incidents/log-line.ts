// One line of the desk's log: the command it stands for, or what is wrong with it.

import { z } from 'zod'
import type { Command, Request } from './vocabulary.ts'

/** A line that was understood. */
export interface LogLine {
  readonly incident: string
  /** When it happened, ms since the epoch. */
  readonly time: number
  readonly command: Command
}

/** What each status of the log asks for. */
const requests: ReadonlyMap<string, Request> = new Map<string, Request>([
  ['Queued/Awaiting Assignment', { type: 'queue' }],
  ['Accepted/Assigned', { type: 'assign' }],
  ['Accepted/In Progress', { type: 'work' }],
  ['Accepted/Wait', { type: 'wait', waitingFor: 'unspecified' }],
  ['Accepted/Wait - User', { type: 'wait', waitingFor: 'user' }],
  ['Accepted/Wait - Customer', { type: 'wait', waitingFor: 'customer' }],
  ['Accepted/Wait - Vendor', { type: 'wait', waitingFor: 'vendor' }],
  ['Accepted/Wait - Implementation', { type: 'wait', waitingFor: 'implementation' }],
  ['Completed/Resolved', { type: 'resolve' }],
  ['Completed/In Call', { type: 'resolveInCall' }],
  ['Completed/Closed', { type: 'close' }],
  ['Completed/Cancelled', { type: 'cancel' }],
  ['Unmatched/Unmatched', { type: 'unmatch' }],
])

const Text = z
  .string({ error: ({ input }) => (input === undefined ? 'missing' : 'not a text') })
  .min(1, 'empty')
const Line = z.object(
  {
    incident: Text,
    time: z.iso.datetime({ offset: true, error: 'not a time such as 2012-05-01T00:00:00Z' }),
    status: Text,
    substatus: Text,
    impact: Text,
    product: Text,
    country: Text,
    team: Text,
    line: Text.nullable(),
    organization: Text,
  },
  'not an object',
)

/** Reads one line; a text instead of a line says what is wrong with it. */
export function readLogLine(text: string): LogLine | string {
  const json = parse(text)
  if (json instanceof SyntaxError) return `not JSON: ${json.message}`
  const { data, error } = Line.safeParse(json)
  if (error) return error.issues.map(issueText).join('; ')
  const request = requests.get(`${data.status}/${data.substatus}`)
  if (!request) return `status: '${data.status}/${data.substatus}' is not known`
  const { impact, product, country, team, line, organization } = data
  return {
    incident: data.incident,
    time: Date.parse(data.time),
    command: {
      ...request,
      about: { impact, product, country },
      desk: { team, supportLine: supportLineOf(team), division: line, organization },
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    return error
  }
}

const issueText = ({ path, message }: { path: PropertyKey[]; message: string }): string =>
  path.length > 0 ? `${path.join('.')}: ${message}` : message

/** The log has it in the team's name: `V5` is first line, `V5 3rd` third. */
const supportLineOf = (team: string): number => Number(/ ([23])(?:nd|rd)$/.exec(team)?.[1] ?? 1)
