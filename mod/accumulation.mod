TITLE Sodium and potassium inside a cylinder, from the currents through its membrane

COMMENT
ki' = -4 ik / (F diam): the inside of the neurons of Newton et al. 2018 (ModelDB 238892), written anew from its
equations. Nothing diffuses along the cell.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX accumulation
    USEION na READ ina WRITE nai
    USEION k READ ik WRITE ki
    RANGE na_begin, k_begin
}

UNITS {
    (mA) = (milliamp)
    (um) = (micron)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    na_begin = 4.297 (mM)
    k_begin = 138.116 (mM)
    faraday = 96485 (coulomb)
}

ASSIGNED {
    diam (um)
    ina (mA/cm2)
    ik (mA/cm2)
}

STATE {
    nai (mM)
    ki (mM)
}

INITIAL {
    nai = na_begin
    ki = k_begin
}

BREAKPOINT {
    SOLVE inside METHOD cnexp
}

DERIVATIVE inside {
    nai' = -4 * (1e4) * ina / (faraday * diam)
    ki' = -4 * (1e4) * ik / (faraday * diam)
}
