import { expect, test } from 'vitest'
import { countTests } from '../count-tests.ts'
import { folderOf, type Files } from './fixture.ts'

/** A report of vitest with these tests in one file, title to status. */
function report(tests: Record<string, string>, more: Record<string, unknown> = {}) {
  const statuses = Object.values(tests)
  const failed = statuses.filter((status) => status === 'failed').length
  return {
    numPassedTests: statuses.filter((status) => status === 'passed').length,
    numFailedTests: failed,
    success: failed === 0,
    testResults: [
      {
        name: 'a.test.ts',
        status: failed === 0 ? 'passed' : 'failed',
        assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status })),
      },
    ],
    ...more,
  }
}

const clean: Files = {
  'packages/ipfs/test/a.test.ts': '',
  'packages/ipfs/reports/vitest.json': report({ one: 'passed', two: 'passed' }),
  'apps/cli/test/a.test.ts': '',
  'apps/cli/reports/vitest.json': report({ three: 'passed' }),
  'tooling/test/a.test.ts': '',
  'tooling/reports/vitest.json': report({ four: 'passed' }),
  'packages/untested/src/index.ts': '',
  'reports/packages.json': { passed: 6, failed: [] },
}

/** Counts the clean workspace with some files changed; `undefined` leaves a file out. */
function count(changes: Files, failedSteps: string[] = []) {
  const files = { ...clean, ...changes }
  const present = Object.entries(files).filter(([, content]) => content !== undefined)
  return countTests(folderOf(Object.fromEntries(present)), failedSteps)
}

const name = 'packages/ipfs/reports/vitest.json'

test('sums packages, apps, tooling and the pack check', () => {
  expect(count({})).toEqual({ passed: 10, failed: 0, notes: [] })
})

test('names failed and skipped tests', () => {
  const changes = { [name]: report({ one: 'passed', two: 'failed', three: 'skipped', four: 'todo' }) }
  expect(count(changes)).toEqual({
    passed: 9,
    failed: 1,
    notes: ['failed: packages/ipfs: two', 'skipped: packages/ipfs: three', 'skipped: packages/ipfs: four'],
  })
})

test('a missing report counts as failed', () => {
  expect(count({ [name]: undefined })).toEqual({
    passed: 8,
    failed: 1,
    notes: ['failed: packages/ipfs has tests and no report'],
  })
})

test('a report without a test that ran counts as failed', () => {
  expect(count({ [name]: report({ one: 'skipped' }) })).toEqual({
    passed: 8,
    failed: 1,
    notes: [`failed: ${name} reports no test that ran`],
  })
})

test('a file that could not be loaded counts as failed', () => {
  const broken = { name: 'b.test.ts', status: 'failed', assertionResults: [] }
  const whole = report({ one: 'passed' })
  const changes = { [name]: { ...whole, success: false, testResults: [...whole.testResults, broken] } }
  expect(count(changes)).toEqual({
    passed: 9,
    failed: 1,
    notes: ['failed: packages/ipfs: b.test.ts could not run'],
  })
})

test('a run that failed outside of its tests counts as failed', () => {
  expect(count({ [name]: report({ one: 'passed' }, { success: false }) })).toEqual({
    passed: 9,
    failed: 1,
    notes: ['failed: packages/ipfs: the run failed outside of its tests'],
  })
})

test('failures of the pack check are counted and named', () => {
  const changes = { 'reports/packages.json': { passed: 4, failed: ['packages/ipfs: publint: no'] } }
  expect(count(changes)).toEqual({ passed: 8, failed: 1, notes: ['failed: packages/ipfs: publint: no'] })
})

test('a pack check that did not end counts as failed', () => {
  expect(count({ 'reports/packages.json': undefined })).toMatchObject({ passed: 4, failed: 1 })
})

test('a step that failed counts once, and not beside the failures of its own report', () => {
  expect(count({}, ['lint', 'test'])).toEqual({
    passed: 10,
    failed: 2,
    notes: ['failed: step lint', 'failed: step test'],
  })
  expect(count({ [name]: report({ one: 'failed' }) }, ['lint', 'test'])).toMatchObject({ failed: 2 })
})
