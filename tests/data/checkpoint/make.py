import os, torch, collections, argparse, torch.nn as nn, numpy as np
O=os.path.dirname(os.path.abspath(__file__))+'/'
torch.manual_seed(0)
g=torch.arange(24,dtype=torch.float32).reshape(2,3,4)
def sd():
    return collections.OrderedDict(f32=g.clone(), f16=(g/2).half(), bf16=(g/2).bfloat16(), f64=g.double()/4, i64=g.long()-5, i32=g.int(), i16=g.short(), i8=g.to(torch.int8), u8=g.to(torch.uint8), bool=g>11)
torch.save({"model":sd()},O+'dtypes.pt')
for p in (2,3,4,5):
    torch.save({"model":collections.OrderedDict(weight=g.clone(), parameter=nn.Parameter(g.clone()))},O+f'protocol{p}.pt',pickle_protocol=p)
base=torch.arange(100,dtype=torch.float32)
torch.save(collections.OrderedDict(whole=base, part=base[10:34].view(2,3,4), transposed=base[10:34].view(4,6).t(), expanded=base[3:4].expand(2,5), every_third=base[::3], scalar=base[7], empty=base[:0], other=torch.zeros(2)),O+'shared_storage.pt')
m=nn.Sequential(nn.Linear(4,3),nn.LayerNorm(3))
with torch.no_grad():
    for i,p in enumerate(m.parameters()): p.copy_(torch.arange(p.numel(),dtype=torch.float32).view_as(p)+i)
opt=torch.optim.AdamW(m.parameters(),lr=1e-3)
m(torch.ones(1,4)).sum().backward(); opt.step(); 
torch.save({"epoch":3,"model":m.state_dict(),"optimizer":opt.state_dict(),"loss":{"total":0.25},"best_meter_values":{},"rng":torch.get_rng_state()[:8].clone(),"device":torch.device("cpu"),"shape":torch.Size([1,2]),"seen":{1,2},"name":"run","big":1<<80, "c":1j,"none":None},O+'training.pt')
torch.save({"model":m.state_dict(),"args":argparse.Namespace(lr=1)},O+'namespace.pt')
torch.save({"model":m.state_dict(),"best":np.float64(1)},O+'numpy_scalar.pt')
torch.save({"state_dict":m.state_dict()},O+'state_dict_key.pt')
torch.save({"model":m.state_dict()},O+'legacy.pt',_use_new_zipfile_serialization=False)
torch.jit.save(torch.jit.script(nn.Linear(2,2)),O+'torchscript.pt')
torch.save(m,O+'whole_module.pt')
torch.save({"model":{"a":torch.zeros(2,dtype=torch.complex64)}},O+'complex.pt')
p=nn.Parameter(g.clone()); p.mark="x"
t=g.clone(); t.mark=1
torch.save({"model":{"p":p,"t":t,"note":5}},O+'attributes.pt')
try:
    torch.save({"model":{"u":g.to(torch.uint16),"w":g}},O+'uint16.pt')
except Exception as e: print(e)
