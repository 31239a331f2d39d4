export { buildReport } from './build.js'
export { topChanges } from './change-ranking.js'
export type { ReportInput, ReportTargetInput, ReportWrite } from './input.js'
export { renderMarkdown, renderNextSteps } from './markdown.js'
