## Limits of profile intervals by root finding on lme4's own deviance.
## confint(profile(.)) interpolates splines through points minimised to a loose
## tolerance; here every value of the deviance is minimised anew, so limits are exact.
suppressMessages({library(lme4); library(jsonlite)})
roots <- function(fun, at, bounds, z) {
  one <- function(side) {
    end <- bounds[side]; step <- abs(at) * .05 + .01; x <- at
    repeat { # outwards until the deviance has risen enough, or the bound
      x <- if (side == 1) max(end, x - step) else min(end, x + step)
      if (fun(x) >= z^2) break
      if (x == end) return(end)
      step <- step * 1.3
    }
    uniroot(function(v) fun(v) - z^2, sort(c(at, x)), tol = 1e-10 * max(1, abs(at)))$root
  }
  c(one(1), one(2))
}
LEVELS <- c(.95, .99, .5)
lmm <- function(f, data, lhs, random) {
  f <- update(f, REML = FALSE); dev <- lme4:::devfun2(f, signames = FALSE); D0 <- attr(dev, "basedev")
  opt <- attr(dev, "optimum"); nv <- length(getME(f, "theta")) + 1; X <- getME(f, "X")
  is_cor <- grepl("^cor_", names(opt)[1:nv]); low <- c(ifelse(is_cor, -1, 0)); upp <- ifelse(is_cor, 1, Inf)
  low[nv] <- 1e-6 * opt[nv]
  vary <- function(i) function(v) {
    best <- Inf
    for (boost in c(0, .1, .5)) { # starts off the bounds too
      start <- opt[1:nv][-i] + boost * opt[nv] * (!is_cor[-i]); p <- opt[1:nv]
      g <- function(q) { p[-i] <- q; p[i] <- v; r <- tryCatch(dev(p), error = function(e) 1e10); if (is.finite(r)) r else 1e10 }
      for (k in 1:3) { o <- nlminb(start, g, lower = low[-i] + 1e-9 * is_cor[-i], upper = upp[-i] - 1e-9 * is_cor[-i],
                                   control = list(rel.tol = 1e-15, x.tol = 1e-12, eval.max = 5000, iter.max = 5000)); start <- o$par }
      best <- min(best, o$objective)
    }
    best - D0
  }
  fixed <- function(j) function(b) {
    data$.off <- b * X[, j]; for (k in seq_len(ncol(X))) data[[paste0("x.", k)]] <- X[, k]
    terms <- c("0", paste0("x.", seq_len(ncol(X)))[-j], "offset(.off)", random)
    dd <- lmer(reformulate(terms, lhs), data, REML = FALSE, devFunOnly = TRUE, control = lmerControl(check.rankX = "ignore"))
    th <- getME(f, "theta"); best <- Inf
    for (start in list(th, th + .3)) {
      for (k in 1:3) { o <- nlminb(start, dd, lower = ifelse(getME(f, "lower") == 0, 0, -Inf), control = list(rel.tol = 1e-15, x.tol = 1e-12)); start <- o$par }
      best <- min(best, o$objective)
    }
    best - D0
  }
  out <- list()
  for (l in LEVELS) { z <- qnorm(.5 + l / 2); m <- list()
    for (i in 1:nv) m[[i]] <- roots(vary(i), opt[i], c(low[i], upp[i]), z)
    for (j in seq_len(ncol(X))) m[[nv + j]] <- roots(fixed(j), fixef(f)[j], c(-Inf, Inf), z)
    out[[as.character(l)]] <- do.call(rbind, m) }
  out
}
glmm <- function() {
  ctl <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(rhoend = 1e-9), check.conv.grad = "ignore", check.conv.hess = "ignore", check.conv.singular = "ignore")
  g <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = ctl)
  dev <- update(g, devFunOnly = TRUE); D0 <- -2 * as.numeric(logLik(g)); X <- getME(g, "X")
  vary <- function(s) { start <- fixef(g); for (k in 1:4) { o <- nlminb(start, function(b) dev(c(s, b)), control = list(rel.tol = 1e-14)); start <- o$par }; o$objective - D0 }
  fixed <- function(j) function(b) {
    d <- cbpp; d$off <- b * X[, j]; for (k in 1:4) d[[paste0("x", k)]] <- X[, k]
    fo <- reformulate(c("0", paste0("x", (1:4)[-j]), "offset(off)", "(1|herd)"), "cbind(incidence,size-incidence)")
    -2 * as.numeric(logLik(glmer(fo, d, binomial, control = ctl))) - D0
  }
  out <- list()
  for (l in LEVELS) { z <- qnorm(.5 + l / 2); m <- list(roots(vary, getME(g, "theta"), c(0, Inf), z))
    for (j in 1:4) m[[1 + j]] <- roots(fixed(j), fixef(g)[j], c(-Inf, Inf), z)
    out[[as.character(l)]] <- do.call(rbind, m) }
  out
}
target <- commandArgs(TRUE)[1]
R <- list(profile_dyestuff = lmm(lmer(Yield ~ 1 + (1 | Batch), Dyestuff), Dyestuff, "Yield", "(1|Batch)"),
          profile_dyestuff2 = lmm(lmer(Yield ~ 1 + (1 | Batch), Dyestuff2), Dyestuff2, "Yield", "(1|Batch)"),
          profile_sleep = lmm(lmer(Reaction ~ Days + (Days | Subject), sleepstudy), sleepstudy, "Reaction", "(Days|Subject)"),
          profile_penicillin = lmm(lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin), Penicillin, "diameter", c("(1|plate)", "(1|sample)")),
          profile_cbpp = glmm())
write(toJSON(R, digits = 12, pretty = TRUE), target)
