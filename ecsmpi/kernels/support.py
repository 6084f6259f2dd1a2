"""What numba's code calls of numba, for libraries that ranks without numba load, as LLVM's text."""

# An array that a rank passes is C-contiguous where it is reshaped, and nobody owns it. An exception
# of a body is printed by Python, as numba would; its words are in numba's reach alone.
SUPPORT = r"""
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare void @llvm.trap()

define void @numba_gil_ensure(ptr %state) {
    %now = call i32 @PyGILState_Ensure()
    store i32 %now, ptr %state
    ret void
}

define void @numba_gil_release(ptr %state) {
    %before = load i32, ptr %state
    call void @PyGILState_Release(i32 %before)
    ret void
}

; no array has an owner to end
define void @NRT_MemInfo_call_dtor(ptr %owner) {
    call void @llvm.trap()
    unreachable
}

define void @NRT_Free(ptr %memory) {
    ret void
}

; an exception of a body, which Python prints: its words are in numba's reach alone
@failed = private constant [28 x i8] c"a body of a loop has failed\00"
@PyExc_RuntimeError = external global ptr
declare void @PyErr_SetString(ptr, ptr)

define ptr @numba_unpickle(ptr %data, i32 %size, ptr %hash) {
    %kind = load ptr, ptr @PyExc_RuntimeError
    call void @PyErr_SetString(ptr %kind, ptr @failed)
    ret ptr null
}

define ptr @numba_runtime_build_excinfo_struct(ptr %info, ptr %arguments) {
    ret ptr null
}

define void @numba_do_raise(ptr %exception) {
    ret void
}

define i32 @numba_attempt_nocopy_reshape(i64 %ndim, ptr %shape, ptr %strides, i64 %new_ndim,
                                         ptr %new_shape, ptr %new_strides, i64 %size, i32 %f) {
begin:
    br label %axis
axis:
    %left = phi i64 [%new_ndim, %begin], [%at, %body]
    %stride = phi i64 [%size, %begin], [%next, %body]
    %done = icmp eq i64 %left, 0
    br i1 %done, label %end, label %body
body:
    %at = sub i64 %left, 1
    %to = getelementptr i64, ptr %new_strides, i64 %at
    store i64 %stride, ptr %to
    %from = getelementptr i64, ptr %new_shape, i64 %at
    %count = load i64, ptr %from
    %next = mul i64 %stride, %count
    br label %axis
end:
    ret i32 1
}
"""
