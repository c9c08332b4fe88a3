# lme4's rePCA, the reference of tests/unit/test_re_pca.py.
#   Rscript re_pca.R <folder with the data sets as csv> > re_pca.json
library(lme4)
folder <- commandArgs(trailingOnly = TRUE)[1]
CT <- lmerControl(optimizer = "nlminbwrap", check.conv.singular = "ignore",
                  optCtrl = list(rel.tol = 1e-15, x.tol = 1e-12, xf.tol = 1e-14))
table <- function(name, factors) {
  d <- read.csv(file.path(folder, paste0(name, ".csv")))
  for (f in factors) d[[f]] <- factor(d[[f]])
  d
}
models <- list(
  list("sleepstudy", "Reaction ~ Days + (Days | Subject)", "Subject"),
  list("sleepstudy", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", "Subject"),
  list("machines", "score ~ Machine + (Machine | Worker)", c("Worker", "Machine")),
  list("bodyweight", "weight ~ Time * Diet + (Time | Rat)", c("Rat", "Diet")),
  list("pastes", "strength ~ 1 + (1 | batch/cask)", c("batch", "cask")),
  list("dyestuff2", "Yield ~ 1 + (1 | Batch)", "Batch"))
out <- list()
for (m in models) {
  fit <- lmer(as.formula(m[[2]]), table(m[[1]], m[[3]]), control = CT)
  for (i in 1:3) fit <- update(fit, start = getME(fit, "theta")) # to the last digits
  for (pca in names(p <- rePCA(fit)))
    out[[length(out) + 1]] <- list(
      data = m[[1]], formula = m[[2]], group = pca, sdev = p[[pca]]$sdev,
      rotation = unclass(as.matrix(p[[pca]]$rotation)))
}
fit <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd),
             table("cbpp", c("herd", "period")), family = binomial, nAGQ = 1,
             control = glmerControl(tolPwrss = 1e-12, optimizer = "nlminbwrap",
                                    optCtrl = list(rel.tol = 1e-14, x.tol = 1e-10)))
p <- rePCA(fit)
out[[length(out) + 1]] <- list(data = "cbpp", group = "herd", sdev = p$herd$sdev,
  formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)",
  rotation = unclass(as.matrix(p$herd$rotation)))
cat(jsonlite::toJSON(out, digits = 12, auto_unbox = FALSE, pretty = TRUE))
