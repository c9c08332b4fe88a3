# Child process that runs lme4 on one problem; the protocol is that of worker.py.
#   Rscript lme4_worker.R FOLDER WARM_UP_FOLDER
# FOLDER holds the columns written by `worker.py export`. One request per line:
# task, REML flag and formula with tabs between.

suppressPackageStartupMessages(library(lme4))

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

answer <- function(value, deviance, se) {
  number <- function(x) paste(sprintf("%.17g", x), collapse = ",")
  cat("@value=", number(value), "\tdeviance=", number(deviance),
      "\tse=", number(se), "\n", sep = "")
}

criterion <- function(model) -2 * as.numeric(logLik(model))

run_fit <- function(frame, responses, formula, reml) {
  start <- now()
  model <- lmer(as.formula(formula), frame, REML = reml)
  se <- sqrt(diag(as.matrix(vcov(model))))
  deviance <- criterion(model)
  answer(now() - start, deviance, se)
}

run_refit <- function(frame, responses, formula, reml) {
  model <- lmer(as.formula(formula), frame, REML = reml)
  deviance <- numeric(ncol(responses))
  start <- now()
  for (i in seq_len(ncol(responses))) {
    fit <- refit(model, responses[, i])
    se <- sqrt(diag(as.matrix(vcov(fit))))
    deviance[i] <- criterion(fit)
  }
  answer((now() - start) / ncol(responses), deviance, se)
}

quietly <- function(expr) suppressMessages(suppressWarnings(expr))
tasks <- list(fit = run_fit, refit = run_refit)

arguments <- commandArgs(TRUE)
warm <- read_frame(arguments[2])
invisible(quietly(capture.output(
  run_fit(warm, NULL, "Reaction ~ Days + (Days | Subject)", TRUE))))
frame <- read_frame(arguments[1])
responses <- read_responses(arguments[1], nrow(frame))
cat("@version=", as.character(packageVersion("lme4")), "\tR=",
    paste(R.version$major, R.version$minor, sep = "."), "\tblas=",
    basename(La_library()), "\trows=", nrow(frame), "\n", sep = "")

input <- file("stdin", open = "r")
while (length(line <- readLines(input, n = 1)) > 0) {
  request <- strsplit(line, "\t")[[1]]
  if (arguments[3] == "1") invisible(gc())  # as in worker.py
  tryCatch(
    quietly(tasks[[request[1]]](frame, responses, request[3],
                                as.logical(request[2]))),
    error = function(e) {
      cat("@error=", gsub("[\t\n]", " ", conditionMessage(e)), "\n", sep = "")
    })
}
