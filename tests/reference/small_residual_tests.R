# Short series in [0, 1]: Durbin-Watson (lmtest), Kolmogorov-Smirnov and exact binomial
# tests (stats). Usage: Rscript small_residual_tests.R > small_residual_tests.json
suppressMessages(library(lmtest))
alternatives <- c("two.sided", "greater", "less")
number <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ","), "]")
one <- function(n) {
  i <- seq_len(n)
  x <- ((i * 0.6180339887498949) %% 1)^1.3 * 0.7 + 0.3 * (i / n)
  dw <- lapply(alternatives, function(a) dwtest(x ~ 1, alternative = a))
  ks <- lapply(alternatives, function(a) ks.test(x, "punif", alternative = a))
  sprintf('{"x":%s,"dw":%s,"dw_p":%s,"ks":%s,"ks_p":%s}', number(x),
    number(dw[[1]]$statistic), number(sapply(dw, `[[`, "p.value")),
    number(sapply(ks, `[[`, "statistic")), number(sapply(ks, `[[`, "p.value")))
}
cat("[", paste(sapply(c(4, 7, 25, 99, 100), one), collapse = ",\n"), "]\n", sep = "")
