# Child process that runs lme4, glmmTMB, lmerTest or pbkrtest on one problem; the
# protocol is that of worker.py.
#   Rscript r_worker.R PACKAGE FOLDER WARM_UP_FOLDER RUNS_IN_A_ROW WARM_UP_REQUEST
# FOLDER holds the columns written by `worker.py export`. A request is task, REML
# flag, formula, family and number of nodes: five arguments, or one line with tabs.

arguments <- commandArgs(TRUE)
package <- arguments[1]
suppressPackageStartupMessages(library(package, character.only = TRUE))

read_frame <- function(folder) {
  columns <- read.delim(file.path(folder, "columns.tsv"), header = FALSE,
                        stringsAsFactors = FALSE)
  read_column <- function(i) {
    path <- file.path(folder, paste0(i, ".bin"))
    n <- columns[i, 3]
    if (columns[i, 2] == "number") return(readBin(path, "double", n))
    levels <- readLines(file.path(folder, paste0(i, ".levels")))
    structure(readBin(path, "integer", n), levels = levels, class = "factor")
  }
  positions <- match(columns[[1]], columns[[1]])
  frame <- lapply(positions, read_column)
  names(frame) <- columns[[1]]
  as.data.frame(frame, optional = TRUE)
}

read_responses <- function(folder, n) {
  path <- file.path(folder, "responses.bin")
  if (!file.exists(path)) return(NULL)
  matrix(readBin(path, "double", file.size(path) / 8), nrow = n)
}

# system.time() rounds to a millisecond; Sys.time() does not.
now <- function() as.numeric(Sys.time())

number <- function(x) paste(sprintf("%.17g", x), collapse = ",")

answer <- function(value, deviance, se, estimates = "") {
  cat("@value=", number(value), "\tdeviance=", number(deviance),
      "\tse=", number(se), estimates, "\n", sep = "")
}

criterion <- function(model) -2 * as.numeric(logLik(model))

# One entry per package: fit to model, and from the model standard errors, fixed
# effects, the covariance matrices by group, and constants left out of logLik().
# lme4's lmer whatever is attached: that of lmerTest does more than a fit.
lme4_fit <- function(request, frame) {
  formula <- as.formula(request$formula)
  if (request$family == "gaussian")
    return(lme4::lmer(formula, frame, REML = request$reml))
  glmer(formula, frame, family = request$family, nAGQ = request$nodes)
}

# logLik() of glmer with nAGQ > 1 is relative to the saturated model.
lme4_constant <- function(model, request) {
  if (request$nodes == 1) return(0)
  part <- model@resp
  family(model)$aic(part$y, part$n, part$y, part$weights, 0)
}

tmb_fit <- function(request, frame) {
  if (request$nodes != 1) stop("glmmTMB has no quadrature")
  glmmTMB(as.formula(request$formula), frame, family = request$family,
          REML = request$reml)
}

packages <- list(
  lme4 = list(
    fit = lme4_fit, constant = lme4_constant, fixed = function(m) fixef(m),
    se = function(m) sqrt(diag(as.matrix(vcov(m)))),
    covariances = function(m) VarCorr(m)),
  glmmTMB = list(
    fit = tmb_fit, constant = function(m, request) 0,
    fixed = function(m) fixef(m)$cond,
    se = function(m) sqrt(diag(as.matrix(vcov(m)$cond))),
    covariances = function(m) VarCorr(m)$cond))
# lmerTest and pbkrtest work on models of lme4
packages$lmerTest <- packages$pbkrtest <- packages$lme4
peer <- packages[[package]]

estimates <- function(model) {
  blocks <- peer$covariances(model)
  # the upper triangle by columns is the lower one by rows
  triangle <- function(v) number(as.matrix(v)[upper.tri(as.matrix(v), TRUE)])
  joined <- function(names, texts)
    paste0(names, ":", texts, collapse = ";")
  fixed <- peer$fixed(model)
  paste0("\tbeta=", joined(names(fixed), sprintf("%.17g", fixed)), "\tcov=",
         joined(names(blocks), vapply(blocks, triangle, "")))
}

run_fit <- function(frame, responses, request) {
  start <- now()
  model <- peer$fit(request, frame)
  se <- peer$se(model)
  deviance <- criterion(model)
  seconds <- now() - start
  if (request$family == "gaussian") return(answer(seconds, deviance, se))
  deviance <- deviance + peer$constant(model, request)
  answer(seconds, deviance, se, estimates(model))
}

run_refit <- function(frame, responses, request) {
  model <- peer$fit(request, frame)
  deviance <- numeric(ncol(responses))
  start <- now()
  for (i in seq_len(ncol(responses))) {
    fit <- refit(model, responses[, i])
    se <- peer$se(fit)
    deviance[i] <- criterion(fit)
  }
  answer((now() - start) / ncol(responses), deviance, se)
}

quietly <- function(expr) suppressMessages(suppressWarnings(expr))
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "r_inference.R"))
tasks <- c(list(fit = run_fit, refit = run_refit), inference_tasks)
understand <- function(words)
  list(task = words[1], reml = as.logical(words[2]), formula = words[3],
       family = words[4], nodes = as.integer(words[5]))

warm <- read_frame(arguments[3])
invisible(quietly(capture.output(
  run_fit(warm, NULL, understand(arguments[5:9])))))
frame <- read_frame(arguments[2])
responses <- read_responses(arguments[2], nrow(frame))
cat("@version=", as.character(packageVersion(package)), "\tR=",
    paste(R.version$major, R.version$minor, sep = "."), "\tblas=",
    basename(La_library()), "\trows=", nrow(frame), "\n", sep = "")

input <- file("stdin", open = "r")
while (length(line <- readLines(input, n = 1)) > 0) {
  request <- understand(strsplit(line, "\t")[[1]])
  if (arguments[4] == "1") invisible(gc())  # as in worker.py
  tryCatch(
    quietly(tasks[[request$task]](frame, responses, request)),
    error = function(e) {
      cat("@error=", gsub("[\t\n]", " ", conditionMessage(e)), "\n", sep = "")
    })
}
