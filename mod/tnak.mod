TITLE Fast sodium, delayed potassium, leak, and a sodium-potassium pump

COMMENT
The membrane of the neurons of Newton et al. 2018 (ModelDB 238892), written anew from its equations. Sodium activates
at once and inactivates as potassium activates (1 - n). `imax`, the pump's greatest current, is 0 there: no pump.

Conductances are declared, so that the voltage stays between the reversal potentials however long the step. NEURON would
else difference the current, whose slope is negative where sodium activates: steps of 0.1 to 10 ms then throw single cells
to 1e5 mV, and with them their ions.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX tnak
    USEION na READ ena, nai WRITE ina
    USEION k READ ek, ko WRITE ik
    NONSPECIFIC_CURRENT il
    RANGE gna, gk, gl, el, imax
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S) = (siemens)
    (mS) = (millisiemens)
    (uA) = (microamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    gna = 180 (mS/cm2)
    gk = 5 (mS/cm2)
    gl = 0.3 (mS/cm2)
    el = -70 (mV)
    imax = 0 (uA/cm2)
    n0 = 0.25512
}

ASSIGNED {
    v (mV)
    ena (mV)
    ek (mV)
    nai (mM)
    ko (mM)
    ina (mA/cm2)
    ik (mA/cm2)
    il (mA/cm2)
    pump (mA/cm2)
    open_na (S/cm2)
    open_k (S/cm2)
    open_l (S/cm2)
}

STATE { n }

INITIAL { n = n0 }

BREAKPOINT {
    LOCAL m
    CONDUCTANCE open_na USEION na
    CONDUCTANCE open_k USEION k
    CONDUCTANCE open_l
    SOLVE gating METHOD cnexp
    m = 1 / (1 + exp(-(v + 34(mV)) / 5(mV)))
    open_na = (0.001) * gna * m^3 * (1 - n)
    open_k = (0.001) * gk * n^4
    open_l = (0.001) * gl
    pump = (0.001) * imax / ((1 + 2(mM) / ko)^2 * (1 + 7.7(mM) / nai)^3)
    ina = open_na * (v - ena) + 3 * pump
    ik = open_k * (v - ek) - 2 * pump
    il = open_l * (v - el)
}

DERIVATIVE gating {
    n' = 0.8 * (1 / (1 + exp(-(v + 55(mV)) / 14(mV))) - n) / (5(ms) + 27(ms) / (1 + exp((v + 40(mV)) / 12(mV))))
}
