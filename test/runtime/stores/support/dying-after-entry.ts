// The storage thread that dies after it wrote its second transaction.

import { dieWith } from './dying-thread.ts'

dieWith('after')
