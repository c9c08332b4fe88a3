# The side of R of inference.py: a model is fitted, then what is asked for is timed.
# Sourced by r_worker.R, whose `peer`, `now`, `number`, `answer` and `criterion` it
# uses. The packages are those of the names of the peers: lme4, lmerTest, pbkrtest.

extra <- function(...) {
  values <- list(...)
  paste0("\t", names(values), "=", vapply(values, number, ""), collapse = "")
}

timed <- function(ask, tell) function(frame, responses, request) {
  model <- peer$fit(request, frame)
  se <- peer$se(model)
  deviance <- criterion(model)
  start <- now()
  found <- ask(model)
  answer(now() - start, deviance, se, tell(found))
}

extremes <- function(df) extra("smallest df" = min(df), "largest df" = max(df))

# lmerTest does the work, two numerical derivatives, when the model is converted
satterthwaite <- function(model)
  coef(summary(lmerTest::as_lmerModLmerTest(model)))[, "df"]

# the adjusted covariance once for all coefficients, which KRmodcomp and
# get_Lb_ddf would do again for each
kenward_roger <- function(model) {
  plain <- vcov(model)
  adjusted <- pbkrtest::vcovAdj(model)
  p <- length(fixef(model))
  vapply(seq_len(p), function(i) pbkrtest::Lb_ddf(diag(p)[i, ], plain, adjusted), 0)
}

bootstrap <- function(model)
  bootMer(model, function(m) c(fixef(m), getME(m, "theta"), sigma = sigma(m)),
          nsim = 1000, seed = 1)

inference_tasks <- list(
  satterthwaite = timed(satterthwaite, extremes),
  kenward_roger = timed(kenward_roger, extremes),
  profile = timed(
    function(model) confint(model, method = "profile"),
    function(found)
      extra("Days low" = found["Days", 1], "Days high" = found["Days", 2])),
  bootstrap = timed(
    bootstrap, function(found) extra("sd of Days" = sd(found$t[, "Days"]))))
