/**
 * What will be asked next: predictions, and a reader that is read ahead of.
 *
 * @packageDocumentation
 */
export type { PrefetchCounts, PrefetchMetrics, PrefetchOutcome } from './predictive/metrics.ts'
export {
  createPredictor,
  type Prediction,
  type PredictionSource,
  type PredictionStream,
  type Predictor,
  type PredictorOptions,
  type PredictorStats,
  type ReadAbout,
  type StreamOptions,
} from './predictive/predictor.ts'
export {
  createPrefetcher,
  type Fetch,
  type FetchContext,
  type Prefetcher,
  type PrefetcherOptions,
  type PrefetcherStats,
} from './predictive/prefetcher.ts'
export type { Reader, ReaderOptions, ReadOptions } from './predictive/reader.ts'
export type { Workload, WorkloadClass, WorkloadCounts } from './predictive/workload.ts'
