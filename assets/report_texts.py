"""The READMEs' blocks in both languages: what stands in braces is a number, or a row of them, from report.py."""

ENGLISH = {
    "summary": "Test accuracy **{today_accuracy}** (mean ± standard deviation of {today_n} runs),"
               " {today_seconds} seconds of training on {today_hardware}.",

    "results": """\
| # | Keras | TensorFlow | Python | Hardware | Training time (s) | Test loss | Test accuracy |
|---|---|---|---|---|---|---|---|
{results}""",

    "excerpt": "```\n{excerpt}\n```",

    "series": """\
| mean ± standard deviation | n | test accuracy | test loss | misclassified of 10,000 |
|---|---|---|---|---|
| Keras {today_keras}, seeds {today_first} to {today_last} | {today_n} | {today_results} |
| Keras {then_keras}, seeds {then_first} to {then_last} | {then_n} | {then_results} |
| published | 1 | {published_accuracy} | {published_loss} | {published_wrong} |""",

    "equality": "The mean accuracy on Keras {today_keras} minus that on Keras {then_keras} is {difference} percentage"
                " points (95% interval {low} to {high}, Welch's t). {verdict} A single run, such as II or III, is one"
                " draw from this spread. The test set is a sample of its own: with 10,000 digits, the standard error of"
                " an accuracy of {today_mean} is {test_error} points, however many seeds are run.",
    "equal": "Two one-sided tests show that the means are equal within {margin} points (p {p_low} and p {p_high}).",
    "not equal": "Two one-sided tests do not show that the means are equal within {margin} points (p {p_low} and"
                 " p {p_high}).",

    "rank": """\
| after the last epoch | published | range of {today_n} runs | runs below | equal | above |
|---|---|---|---|---|---|
| training loss | {rank_loss} |
| training accuracy | {rank_accuracy} |
| test loss | {rank_val_loss} |
| test accuracy | {rank_val_accuracy} |""",

    "tolerances": "Today's stack agrees with these numbers within {outputs} in the outputs and, relative to an array's"
                  " norm, within {gradients} in the gradients and after {steps} steps within {weights} in the weights"
                  " and {averages} in Adadelta's accumulators.",

    "race": "On {race_hardware}, {race_off} of {race_n} first steps from the same weights were off by more than"
            " {race_limit}% of an update's norm, by up to {race_worst}%: {race_C1} in C1, {race_C3} in C3, {race_C5} in"
            " C5, {race_F6} in F6, {race_Output} in the output layer. With a control dependency that has every update"
            " wait for all gradients, {ordered_off} of {ordered_n} were.",
    "racing": "{racing_n} whole runs with racing updates reached a test accuracy of {racing_accuracy} (mean ± standard"
              " deviation), the {then_n} that do one operation at a time {then_accuracy}.",

    "parameters": """\
| parameters | C1 | SP2 | C3 | SP4 | C5 | F6 | Output | all |
|---|---|---|---|---|---|---|---|---|
| here | {parameters} |
| paper (trainable) | {paper_parameters} |""",

    "paper": "The paper reports a test error of {paper_error}% without distortions of the training set and"
             " {paper_distorted}% with; the mean of the {today_n} runs here is {today_error}%.",

    "departures": """\
| | n | test error, % | minus the first row's (95% interval) | parameters |
|---|---|---|---|---|
{departures}""",

    "benchmark": """\
| | {epochs} epochs with tests, s: median (range) | times ours | test accuracy | first batch after, s \
| longest gap between batches, s | whole process, s | peak memory, MB |
|---|---|---|---|---|---|---|---|
{benchmark}""",

    "speed": "Medians of {rounds} rounds on {benchmark_hardware}; every contestant runs once a round, in a process of"
             " its own, and ratios are taken within a round. Plain `fit` takes {plain_ratio} times as long as"
             " `lenet5.py`, the fastest peer ({peer}) {peer_ratio} times. The arithmetic alone, of training and of"
             " tests at the rate of large matrix products ({rate} GFLOP/s), would take {arithmetic_ratio} of our time."
             " The first batch and the longest gap of `lenet5.py` are seen once in {steps_per_execution} batches.",
    "compilation": "Compiling took PyTorch {compilation} s, which only its whole process includes.",

    "gpu": "No GPU was measured.",
}

ENGLISH_NAMES = {
    "lenet5.py": "`lenet5.py`", "plain Keras 3 fit(x, y)": "plain Keras 3 `fit(x, y)`",
    "PyTorch, eager": "PyTorch {version}, eager", "PyTorch, compiled": "PyTorch {version}, compiled",
    "JAX, jitted": "JAX {version}, jitted", "the published stack of 2018": "the published stack of 2018",
    "the arithmetic alone": "the arithmetic alone",

    "none": "none (the published variant)", "tanh": "1.7159 tanh(2x/3) instead of ReLU",
    "subsampling": "trainable subsampling and squashing instead of plain averages",
    "table": "Table I's connections in C3 instead of all", "f6": "84 units in F6 instead of 128",
    "rbf": "84 units, and radial basis outputs with equation 9 instead of softmax and cross-entropy",
    "no-dropout": "no dropout", "inputs": "inputs in [−0.1, 1.175] instead of [0, 1]",
    "sgd": "plain gradient descent by single patterns instead of Adadelta in batches",
    "paper": "the paper's network, by this recipe", "paper-sdlm": "the paper's network, by the paper's recipe",
}

CHINESE = {
    "summary": "测试准确率 **{today_accuracy}**（{today_n} 次运行的均值 ± 标准差），在 {today_hardware} 上训练约"
               " {today_seconds} 秒。",

    "results": """\
| # | Keras | TensorFlow | Python | 硬件 | 训练时间（秒） | 测试损失 | 测试准确率 |
|---|---|---|---|---|---|---|---|
{results}""",

    "excerpt": ENGLISH["excerpt"],

    "series": """\
| 均值 ± 标准差 | n | 测试准确率 | 测试损失 | 10,000 个中的误判数 |
|---|---|---|---|---|
| Keras {today_keras}，种子 {today_first} 至 {today_last} | {today_n} | {today_results} |
| Keras {then_keras}，种子 {then_first} 至 {then_last} | {then_n} | {then_results} |
| 公布值 | 1 | {published_accuracy} | {published_loss} | {published_wrong} |""",

    "equality": "Keras {today_keras} 的平均准确率减去 Keras {then_keras} 的平均准确率，差为 {difference} 个百分点（95% 置信区间"
                " {low} 至 {high}，Welch t 区间）。{verdict}单次运行（如 II、III）只是该分布中的一次抽样。"
                "测试集本身也是一个样本：只有一万张图片，准确率为 {today_mean} 时标准误为 {test_error} 个百分点，"
                "增加种子数并不能减小它。",
    "equal": "双单侧检验（TOST）表明两者的均值在 {margin} 个百分点以内等价（p {p_low} 与 p {p_high}）。",
    "not equal": "双单侧检验（TOST）未能表明两者的均值在 {margin} 个百分点以内等价（p {p_low} 与 p {p_high}）。",

    "rank": """\
| 最后一轮之后 | 公布值 | {today_n} 次运行的范围 | 低于公布值的次数 | 相等 | 高于 |
|---|---|---|---|---|---|
| 训练损失 | {rank_loss} |
| 训练准确率 | {rank_accuracy} |
| 测试损失 | {rank_val_loss} |
| 测试准确率 | {rank_val_accuracy} |""",

    "tolerances": "今天的环境与这些数值相符：输出相差不超过 {outputs}；相对于各数组的范数，梯度相差不超过 {gradients}，"
                  "{steps} 步之后权重相差不超过 {weights}，Adadelta 的累积量相差不超过 {averages}。",

    "race": "在 {race_hardware} 上，从相同的权重出发，重复执行第一步 {race_n} 次，其中 {race_off} 次的更新偏差超过更新量范数的"
            " {race_limit}%，最大达 {race_worst}%：C1 {race_C1} 次，C3 {race_C3} 次，C5 {race_C5} 次，F6 {race_F6} 次，"
            "输出层 {race_Output} 次。加上控制依赖，使所有更新都等到全部梯度算完之后，{ordered_n} 次中有 {ordered_off} 次出现偏差。",
    "racing": "存在竞争的 {racing_n} 次完整运行，测试准确率为 {racing_accuracy}（均值 ± 标准差）；一次只执行一个操作的"
              " {then_n} 次运行为 {then_accuracy}。",

    "parameters": """\
| 参数个数 | C1 | SP2 | C3 | SP4 | C5 | F6 | 输出 | 合计 |
|---|---|---|---|---|---|---|---|---|
| 本项目 | {parameters} |
| 论文（可训练） | {paper_parameters} |""",

    "paper": "论文报告的测试错误率：不使用变形增强时为 {paper_error}%，使用时为 {paper_distorted}%；本项目 {today_n} 次运行的均值为"
             " {today_error}%。",

    "departures": """\
| | n | 测试错误率（%） | 与首行之差（95% 置信区间） | 参数个数 |
|---|---|---|---|---|
{departures}""",

    "benchmark": """\
| | {epochs} 轮训练与测试（秒）：中位数（范围） | 相对本项目的倍数 | 测试准确率 | 首个批次完成于（秒） | 批次间最长间隔（秒） \
| 整个进程（秒） | 内存峰值（MB） |
|---|---|---|---|---|---|---|---|
{benchmark}""",

    "speed": "在 {benchmark_hardware} 上重复 {rounds} 次，取中位数；每次重复中各实现依次运行，各占一个进程，倍数在同一次重复内计算。"
             "直接调用 `fit` 的用时是 `lenet5.py` 的 {plain_ratio} 倍，最快的同类实现（{peer}）是 {peer_ratio} 倍。"
             "若只做训练与测试所需的算术，按大矩阵乘法的速率（{rate} GFLOP/s）计算，用时是本项目的 {arithmetic_ratio} 倍。"
             "`lenet5.py` 每 {steps_per_execution} 个批次才能观察到一次首个批次的时刻与批次间隔。",
    "compilation": "PyTorch 的编译用时 {compilation} 秒，只计入整个进程的时间。",

    "gpu": "未在 GPU 上测量。",
}

CHINESE_NAMES = {
    "lenet5.py": "`lenet5.py`", "plain Keras 3 fit(x, y)": "直接调用 Keras 3 的 `fit(x, y)`",
    "PyTorch, eager": "PyTorch {version}，即时执行", "PyTorch, compiled": "PyTorch {version}，编译执行",
    "JAX, jitted": "JAX {version}，即时编译", "the published stack of 2018": "公布时的 2018 年环境",
    "the arithmetic alone": "仅算术运算",

    "none": "无（公布的变体）", "tanh": "用 1.7159 tanh(2x/3) 代替 ReLU",
    "subsampling": "用可训练的下采样加挤压函数（squashing）代替平均池化",
    "table": "C3 按论文 Table I 选取输入图，而非接收全部", "f6": "F6 有 84 个单元，而非 128 个",
    "rbf": "84 个单元，并用径向基输出与式 9 代替 softmax 与交叉熵",
    "no-dropout": "不用 dropout", "inputs": "输入在 [−0.1, 1.175] 内，而非 [0, 1]",
    "sgd": "用逐样本的普通梯度下降代替按批次的 Adadelta",
    "paper": "论文的网络，按本项目的方法训练", "paper-sdlm": "论文的网络，按论文的方法训练",
}
