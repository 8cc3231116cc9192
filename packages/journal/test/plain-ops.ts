/** What can be done on a plain tree, by chance. */
import fc from 'fast-check'
import type { PlainOp } from './plain-tree.ts'

const name = fc.constantFrom('a', 'b', 'c')
export const anyPath = fc
  .oneof(
    { weight: 1, arbitrary: fc.constant<string[]>([]) },
    { weight: 30, arbitrary: fc.array(name, { minLength: 1, maxLength: 3 }) },
  )
  .map((names) => `/${names.join('/')}`)

const path = anyPath
const text = fc.string({ maxLength: 5 })
const parents = fc.boolean()
const mode = fc.integer({ min: 0, max: 0o7777 })
/** Some come again. */
const mtime = fc.oneof(fc.constantFrom(-1, 0), fc.integer({ min: -5, max: 2 ** 32 }))
const change = { mode: fc.option(mode), mtime: fc.option(mtime) }
/** Most files are small; where leaves of a MiB meet is worth a look. */
const place = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_048_575, 1_048_576, 2_097_153) },
)

/** Those that change the content of a file, or a mode or a time: if somebody else changes it meanwhile they are refused. */
const edit: fc.Arbitrary<PlainOp> = fc.oneof(
  fc.record({ op: fc.constant('append'), path, text }),
  fc.record({ op: fc.constant('writeAt'), path, offset: place, text }),
  fc.record({ op: fc.constant('truncate'), path, size: place }),
  fc.record({ op: fc.constant('meta'), path, ...change }, { requiredKeys: ['op', 'path'] }),
)

export const anyMark: fc.Arbitrary<PlainOp> = fc.record(
  { op: fc.constant('mark'), path, value: text },
  { requiredKeys: ['op', 'path'] },
)

/** Those that are done at once. */
export const anyStep: fc.Arbitrary<PlainOp> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { op: fc.constant('write'), path, text, parents, mode, mtime },
      { requiredKeys: ['op', 'path', 'text'] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      { op: fc.constant('mkdir'), path, parents, mode, mtime },
      { requiredKeys: ['op', 'path'] },
    ),
  },
  { weight: 4, arbitrary: edit },
  fc.record({ op: fc.constant('rm'), path, recursive: fc.boolean() }),
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('mv', 'cp'), from: path, to: path, parents }) },
  anyMark,
)

export const anyMount: fc.Arbitrary<PlainOp> = fc.record({
  op: fc.constant('mount'),
  from: path,
  path,
  parents,
  mount: fc.constantFrom('read-only', 'writable'),
})

/** Those that take a CID, too. */
export const anyOp: fc.Arbitrary<PlainOp> = fc.oneof(
  { weight: 8, arbitrary: anyStep },
  fc.record({ op: fc.constant('put'), from: path, path, parents }),
  anyMount,
  fc.record({ op: fc.constant('unmount'), path, keep: fc.boolean() }),
)
