export { buildReport } from './build.js'
export { ChangeRanking } from './change-ranking.js'
export { MOST_CHANGES } from './filesystem.js'
export type {
  ReportAftermath,
  ReportFilesystem,
  ReportInput,
  ReportTargetInput,
  ReportWrite,
} from './input.js'
export { renderMarkdown, renderNextSteps } from './markdown.js'
export type { ReportModel } from './model.js'
